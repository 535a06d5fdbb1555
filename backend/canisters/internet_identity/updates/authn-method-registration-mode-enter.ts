import { caller, time } from "../../../cdk/api";
import {
  AuthnMethodRegistrationModeEnterError,
  AuthnMethodRegistrationModeEnterResult,
  AuthnMethodRegistrationModeEnterResultOk,
} from "../../../generated/internet_identity/types";
import { authenticatedUse } from "../guards";
import { enterMode, idFault } from "../model/registration-mode";

export function authn_method_registration_mode_enter(number: u64, id: string | null): AuthnMethodRegistrationModeEnterResult {
  if (authenticatedUse(number) == null) {
    return AuthnMethodRegistrationModeEnterResult.Err(AuthnMethodRegistrationModeEnterError.Unauthorized(caller()));
  }
  if (id != null) {
    const fault = idFault(id);
    if (fault != null) return AuthnMethodRegistrationModeEnterResult.Err(AuthnMethodRegistrationModeEnterError.InvalidRegistrationId(fault));
  }
  const mode = enterMode(number, id, time());
  if (mode == null) return AuthnMethodRegistrationModeEnterResult.Err(AuthnMethodRegistrationModeEnterError.AlreadyInProgress());
  return AuthnMethodRegistrationModeEnterResult.Ok(new AuthnMethodRegistrationModeEnterResultOk(mode.expiry));
}
