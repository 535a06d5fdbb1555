import { AuthnMethodRemoveResult } from "../../../generated/internet_identity/types";
import { mustAuthenticate } from "../guards";
import { remove } from "../model/change-devices";

export function authn_method_remove(number: u64, key: Uint8Array): AuthnMethodRemoveResult {
  return remove(mustAuthenticate(number), key) == null ? AuthnMethodRemoveResult.Ok : AuthnMethodRemoveResult.Err;
}
