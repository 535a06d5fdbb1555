import { caller, time } from "../../../cdk/api";
import {
  CheckCaptchaArg,
  CheckCaptchaError,
  CheckCaptchaErrorUnexpectedCall,
  CheckCaptchaResult,
  RegistrationFlowNextStep,
} from "../../../generated/internet_identity/types";
import { isRegistering } from "../model/registrations";

/** There is no captcha to check: tells the client what to do instead. */
export function check_captcha(_arg: CheckCaptchaArg): CheckCaptchaResult {
  return CheckCaptchaResult.Err(
    isRegistering(caller(), time())
      ? CheckCaptchaError.UnexpectedCall(new CheckCaptchaErrorUnexpectedCall(RegistrationFlowNextStep.Finish()))
      : CheckCaptchaError.NoRegistrationFlow(),
  );
}
