import { InternetIdentityInit } from "../../../generated/internet_identity/types";
import { saveSettings, settings } from "../model/settings";
import { trap } from "../../../cdk/api";

/** Takes over the fields that are given. */
export function init(arg: InternetIdentityInit | null): void {
  if (arg == null) return;
  const all = settings();
  const range = arg.assigned_user_number_range;
  if (range != null) {
    if (range._0 == 0 || range._0 >= range._1) trap("assigned_user_number_range must not be empty and begins above 0");
    if (range._1 < all.nextNumber && all.nextNumber != all.firstNumber) trap("assigned_user_number_range ends below numbers already given");
    if (all.nextNumber == all.firstNumber) all.nextNumber = range._0;
    else if (range._0 != all.firstNumber) trap("assigned_user_number_range cannot begin elsewhere once numbers are given");
    all.firstNumber = range._0;
    all.endOfNumbers = range._1;
  }
  const limit = arg.register_rate_limit;
  if (limit != null) {
    all.nanosPerRegistration = limit.time_per_token_ns;
    all.registrationBurst = limit.max_tokens;
  }
  const origins = arg.related_origins;
  if (origins != null) all.relatedOrigins = origins;
  saveSettings();
}
