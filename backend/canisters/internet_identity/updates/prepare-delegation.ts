import { reject, time, trap } from "../../../cdk/api";
import { Later } from "../../../cdk/calls";
import { Opt } from "../../../cdk/candid/opt";
import { PrepareDelegationResults, reply_prepare_delegation } from "../../../generated/internet_identity/replies";
import { mustAuthenticate } from "../guards";
import { expirationFor, requestFault, signDelegation, userKey } from "../model/delegation";
import { AfterSalt, drawSalt, hasSalt } from "../model/salt";

class Preparation extends AfterSalt {
  constructor(
    private number: u64,
    private origin: string,
    private sessionKey: Uint8Array,
    private ttl: u64,
  ) {
    super();
  }

  resume(): void {
    const now = time();
    const expiration = expirationFor(this.ttl, now);
    if (!signDelegation(this.number, this.origin, this.sessionKey, expiration, now)) {
      reject("too many sign-ins at once, try again in a minute");
      return;
    }
    reply_prepare_delegation(new PrepareDelegationResults(userKey(this.number, this.origin), expiration));
  }

  fail(why: string): void {
    reject(why);
  }
}

/** Certifies a delegation, to be fetched within a minute. The very first call draws the salt before. */
export function prepare_delegation(number: u64, origin: string, sessionKey: Uint8Array, ttl: Opt<u64> | null): Later {
  mustAuthenticate(number);
  const fault = requestFault(origin, sessionKey);
  if (fault != null) trap(fault);
  const preparation = new Preparation(number, origin, sessionKey, ttl == null ? 0 : ttl.value);
  if (hasSalt()) preparation.resume();
  else drawSalt(preparation);
}
