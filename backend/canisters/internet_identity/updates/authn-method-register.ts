import { caller, time } from "../../../cdk/api";
import {
  AuthnMethodConfirmationCode,
  AuthnMethodData,
  AuthnMethodRegisterError,
  AuthnMethodRegisterResult,
} from "../../../generated/internet_identity/types";
import { deviceFault } from "../model/anchor";
import { isTaken } from "../model/anchors";
import { conversionFault, fromAuthnMethodData } from "../model/convert";
import { ATTEMPTS, newCode, registrationMode } from "../model/registration-mode";
import { hasSalt } from "../model/salt";

function no(error: AuthnMethodRegisterError): AuthnMethodRegisterResult {
  return AuthnMethodRegisterResult.Err(error);
}

/** From the new device, with any key: offers a device to an identity that is open for one. */
export function authn_method_register(number: u64, data: AuthnMethodData): AuthnMethodRegisterResult {
  const now = time();
  const mode = registrationMode(number, now);
  // Without a salt nobody has ever had a delegation, so nobody has opened the mode by the pages.
  if (mode == null || !hasSalt()) return no(AuthnMethodRegisterError.RegistrationModeOff());
  if (!caller().isSelfAuthenticating) return no(AuthnMethodRegisterError.NotSelfAuthenticating(caller()));
  if (mode.device != null) return no(AuthnMethodRegisterError.RegistrationAlreadyInProgress());
  const device = fromAuthnMethodData(data);
  if (device == null) return no(AuthnMethodRegisterError.InvalidMetadata(conversionFault));
  const fault = deviceFault(device);
  if (fault != null) return no(AuthnMethodRegisterError.InvalidMetadata(fault));
  if (isTaken(device)) return no(AuthnMethodRegisterError.PasskeyWithThisPublicKeyIsAlreadyUsed());
  mode.device = device;
  mode.code = newCode(number, now);
  mode.attemptsLeft = ATTEMPTS;
  return AuthnMethodRegisterResult.Ok(new AuthnMethodConfirmationCode(mode.code, mode.expiry));
}
