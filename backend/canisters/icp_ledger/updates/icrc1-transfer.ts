// Moves ICP between accounts. Source: ICRC-1, "icrc1_transfer".

import { caller, time } from "../../../cdk/api";
import { Nat } from "../../../cdk/candid/nat";
import {
  BadFee,
  CreatedInFuture,
  Duplicate,
  encodeIcrc1TransferArgs,
  GenericError,
  InsufficientFunds,
  Icrc1TransferArgs,
  TransferError,
  TransferResult,
} from "../../../generated/icp_ledger/types";
import { Fault, Outcome } from "../../../ledger/book";
import { amountOf } from "../../../ledger/amounts";
import { transactionHash } from "../../../ledger/transaction-hash";
import { book, FEE, identifierOf, MAX_MEMO_BYTES } from "../model/token";

function refused(message: string): TransferResult {
  return TransferResult.Err(TransferError.GenericError(new GenericError(Nat.ZERO, message)));
}

export function icrc1_transfer(arg: Icrc1TransferArgs): TransferResult {
  const owner = caller();
  const from = identifierOf(owner, arg.from_subaccount);
  const to = identifierOf(arg.to.owner, arg.to.subaccount);
  if (from === null || to === null) return refused("a subaccount has 32 bytes");
  const fee = arg.fee;
  if (fee) if (amountOf(fee) != FEE) return TransferResult.Err(TransferError.BadFee(new BadFee(Nat.from(FEE))));
  const memo = arg.memo;
  if (memo !== null && memo.length > MAX_MEMO_BYTES) return refused("a memo has at most 32 bytes");
  const created = arg.created_at_time;
  let hash = new Uint8Array(0);
  if (created !== null) {
    hash = transactionHash(owner.bytes, encodeIcrc1TransferArgs(arg));
    const admitted = book.admit(created.value, hash);
    if (admitted.fault != Fault.None) return TransferResult.Err(fault(admitted, from));
  }
  const outcome = book.transfer(from, to, amountOf(arg.amount), FEE, memo === null ? new Uint8Array(0) : memo);
  if (outcome.fault != Fault.None) return TransferResult.Err(fault(outcome, from));
  if (created !== null) book.remember(created.value, hash, outcome.block);
  return TransferResult.Ok(Nat.from(outcome.block));
}

function fault(outcome: Outcome, from: Uint8Array): TransferError {
  switch (outcome.fault) {
    case Fault.TooOld:
      return TransferError.TooOld();
    case Fault.CreatedInFuture:
      return TransferError.CreatedInFuture(new CreatedInFuture(time()));
    case Fault.Duplicate:
      return TransferError.Duplicate(new Duplicate(Nat.from(outcome.block)));
    default:
      return TransferError.InsufficientFunds(new InsufficientFunds(Nat.from(book.balance(from))));
  }
}
