// Accounts of a ledger: an owner and a subaccount. Source: ICRC-1, "Account".

import { trap } from "../cdk/api";
import { Principal } from "../cdk/principal/principal";

export const SUBACCOUNT_BYTES: i32 = 32;

/**
 * The key under which a balance is kept: owner length, owner, then the subaccount unless it is all zero, which
 * is the same account as none at all. Null when the subaccount has not 32 bytes.
 */
export function accountKey(owner: Principal, subaccount: Uint8Array | null): Uint8Array | null {
  const n = owner.bytes.length;
  if (subaccount !== null && subaccount.length != SUBACCOUNT_BYTES) return null;
  if (subaccount === null || isZero(subaccount)) {
    const key = new Uint8Array(1 + n);
    key[0] = <u8>n;
    key.set(owner.bytes, 1);
    return key;
  }
  const key = new Uint8Array(1 + n + SUBACCOUNT_BYTES);
  key[0] = <u8>n;
  key.set(owner.bytes, 1);
  key.set(subaccount!, 1 + n);
  return key;
}

/** The same, for methods whose interface has no error for it: traps. */
export function accountKeyOrTrap(owner: Principal, subaccount: Uint8Array | null): Uint8Array {
  const key = accountKey(owner, subaccount);
  if (key === null) trap("a subaccount has 32 bytes");
  return key!;
}

function isZero(bytes: Uint8Array): bool {
  for (let i = 0; i < bytes.length; i++) if (bytes[i] != 0) return false;
  return true;
}
