import { trap } from "../../../cdk/api";
import { Delegation, GetDelegationResponse, SignedDelegation } from "../../../generated/internet_identity/types";
import { authenticated, refuse } from "../guards";
import { delegationSignature, requestFault } from "../model/delegation";
import { hasSalt } from "../model/salt";

export function get_delegation(number: u64, origin: string, sessionKey: Uint8Array, expiration: u64): GetDelegationResponse {
  if (authenticated(number) == null) refuse();
  const fault = requestFault(origin, sessionKey);
  if (fault != null) trap(fault);
  if (!hasSalt()) return GetDelegationResponse.no_such_delegation();
  const signature = delegationSignature(number, origin, sessionKey, expiration);
  if (signature == null) return GetDelegationResponse.no_such_delegation();
  return GetDelegationResponse.signed_delegation(new SignedDelegation(new Delegation(sessionKey, expiration, null), signature));
}
