// The token and its book.

import { stableMemory } from "../../../cdk/stable/memory-manager";
import { StableBTreeMap } from "../../../cdk/stable/btree-map";
import { Book } from "../../../ledger/book";
import { BALANCES, BLOCKS, CREATED, EXPIRING, RECENT, STATE } from "../memory";

/** Of every transfer, deposit, withdrawal and creation: 100 million cycles. */
export const FEE: u64 = 100_000_000;
export const NAME = "Trillion Cycles";
export const SYMBOL = "TCYCLES";
export const DECIMALS: u8 = 12;
/** ICRC-1 asks for at least 32. */
export const MAX_MEMO_BYTES: i32 = 32;

export const book = new Book(stableMemory(BALANCES), stableMemory(BLOCKS), stableMemory(RECENT), stableMemory(EXPIRING), stableMemory(STATE));

/** Which canister a block's cycles made: a creation sent twice answers the same one. */
export const createdCanisters = new StableBTreeMap<u64, Uint8Array>(stableMemory(CREATED));
