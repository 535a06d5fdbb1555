import { caller, time } from "../../../cdk/api";
import {
  AuthnMethodConfirmationError,
  AuthnMethodConfirmationErrorWrongCode,
  AuthnMethodConfirmResult,
} from "../../../generated/internet_identity/types";
import { authenticatedUse } from "../guards";
import { add } from "../model/change-devices";
import { leaveMode, registrationMode } from "../model/registration-mode";

function no(error: AuthnMethodConfirmationError): AuthnMethodConfirmResult {
  return AuthnMethodConfirmResult.Err(error);
}

/** On an old device: takes the offered device when the code is right. After three wrong ones it is forgotten. */
export function authn_method_confirm(number: u64, code: string): AuthnMethodConfirmResult {
  const anchor = authenticatedUse(number);
  if (anchor == null) return no(AuthnMethodConfirmationError.Unauthorized(caller()));
  const mode = registrationMode(number, time());
  if (mode == null) return no(AuthnMethodConfirmationError.RegistrationModeOff());
  const device = mode.device;
  if (device == null) return no(AuthnMethodConfirmationError.NoAuthnMethodToConfirm());
  if (code != mode.code) {
    mode.attemptsLeft--;
    if (mode.attemptsLeft == 0) leaveMode(mode);
    return no(AuthnMethodConfirmationError.WrongCode(new AuthnMethodConfirmationErrorWrongCode(mode.attemptsLeft)));
  }
  leaveMode(mode);
  const fault = add(anchor, device);
  return fault == null ? AuthnMethodConfirmResult.Ok() : no(AuthnMethodConfirmationError.InternalCanisterError(fault));
}
