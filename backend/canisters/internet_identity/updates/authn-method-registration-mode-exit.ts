import { time } from "../../../cdk/api";
import { AuthnMethodRegistrationModeExitResult } from "../../../generated/internet_identity/types";
import { authenticatedUse } from "../guards";
import { leaveMode, registrationMode } from "../model/registration-mode";

export function authn_method_registration_mode_exit(number: u64): AuthnMethodRegistrationModeExitResult {
  if (authenticatedUse(number) == null) return AuthnMethodRegistrationModeExitResult.Err;
  const mode = registrationMode(number, time());
  if (mode != null) leaveMode(mode);
  return AuthnMethodRegistrationModeExitResult.Ok;
}
