import {
  InternetIdentityInit,
  InternetIdentityInitAssignedUserNumberRange,
  RateLimitConfig,
} from "../../../generated/internet_identity/types";
import { settings } from "../model/settings";

export function config(): InternetIdentityInit {
  const all = settings();
  return new InternetIdentityInit(
    new InternetIdentityInitAssignedUserNumberRange(all.firstNumber, all.endOfNumbers),
    new RateLimitConfig(all.nanosPerRegistration, all.registrationBurst),
    all.relatedOrigins,
  );
}
