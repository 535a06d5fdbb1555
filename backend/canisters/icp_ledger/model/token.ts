// The token, its book, and accounts as this ledger names them: 32-byte account identifiers.

import { trap } from "../../../cdk/api";
import { Principal } from "../../../cdk/principal/principal";
import { accountIdentifier } from "../../../cdk/principal/account-identifier";
import { stableMemory } from "../../../cdk/stable/memory-manager";
import { SUBACCOUNT_BYTES } from "../../../ledger/account";
import { Book } from "../../../ledger/book";
import { BALANCES, BLOCKS, EXPIRING, RECENT, STATE } from "../memory";

/** e8s. */
export const FEE: u64 = 10_000;
export const NAME = "Internet Computer";
export const SYMBOL = "ICP";
export const DECIMALS: u8 = 8;
export const MAX_MEMO_BYTES: i32 = 32;
/** Told in TxTooOld. */
export const WINDOW_NANOS: u64 = 24 * 3_600 * 1_000_000_000;

export const book = new Book(stableMemory(BALANCES), stableMemory(BLOCKS), stableMemory(RECENT), stableMemory(EXPIRING), stableMemory(STATE));

/** Null when the subaccount has not 32 bytes. */
export function identifierOf(owner: Principal, subaccount: Uint8Array | null): Uint8Array | null {
  if (subaccount !== null && subaccount.length != SUBACCOUNT_BYTES) return null;
  return accountIdentifier(owner, subaccount);
}

/** The same, for methods whose interface has no error for it: traps. */
export function identifierOrTrap(owner: Principal, subaccount: Uint8Array | null): Uint8Array {
  const identifier = identifierOf(owner, subaccount);
  if (identifier === null) trap("a subaccount has 32 bytes");
  return identifier!;
}
