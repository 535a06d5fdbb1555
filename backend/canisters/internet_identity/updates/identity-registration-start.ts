import { caller, time } from "../../../cdk/api";
import {
  IdentityRegistrationStartResult,
  IdRegNextStepResult,
  IdRegStartError,
  RegistrationFlowNextStep,
} from "../../../generated/internet_identity/types";
import { isRegistering, startRegistration } from "../model/registrations";

export function identity_registration_start(): IdentityRegistrationStartResult {
  const who = caller();
  const now = time();
  if (!who.isSelfAuthenticating) return IdentityRegistrationStartResult.Err(IdRegStartError.InvalidCaller);
  if (isRegistering(who, now)) return IdentityRegistrationStartResult.Err(IdRegStartError.AlreadyInProgress);
  if (!startRegistration(who, now)) return IdentityRegistrationStartResult.Err(IdRegStartError.RateLimitExceeded);
  return IdentityRegistrationStartResult.Ok(new IdRegNextStepResult(RegistrationFlowNextStep.Finish()));
}
