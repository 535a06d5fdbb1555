// A transfer as every interface of a ledger makes it: admitted once per creation time, then booked.

import { Book, Fault, Outcome } from "./book";
import { transactionHash } from "./transaction-hash";

/** What an interface has made of its arguments. */
export class Transfer {
  memo: Uint8Array = new Uint8Array(0);
  /** The u64 memo of the ICP ledger's older interface. */
  legacyMemo: u64 = 0;
  /** Nanoseconds; without it the transfer is not deduplicated. */
  createdAt: u64 = 0;
  hasCreatedAt: bool = false;
  constructor(
    public from: Uint8Array,
    public to: Uint8Array,
    public amount: u64,
    public fee: u64,
  ) {}
}

/** `owner` and `encoded`, the Candid form of the arguments, are what makes two transfers the same. */
export function transact(book: Book, transfer: Transfer, owner: Uint8Array, encoded: Uint8Array): Outcome {
  let hash = new Uint8Array(0);
  if (transfer.hasCreatedAt) {
    hash = transactionHash(owner, encoded);
    const admitted = book.admit(transfer.createdAt, hash);
    if (admitted.fault != Fault.None) return admitted;
  }
  const outcome = book.transfer(transfer.from, transfer.to, transfer.amount, transfer.fee, transfer.memo, transfer.legacyMemo);
  if (outcome.fault == Fault.None && transfer.hasCreatedAt) book.remember(transfer.createdAt, hash, outcome.block);
  return outcome;
}
