// Moves cycles between accounts. Source: ICRC-1, "icrc1_transfer".

import { caller, time } from "../../../cdk/api";
import { Nat } from "../../../cdk/candid/nat";
import {
  BadFee,
  CreatedInFuture,
  Duplicate,
  encodeTransferArgs,
  GenericError,
  InsufficientFunds,
  TransferArgs,
  TransferError,
  TransferResult,
} from "../../../generated/cycles_ledger/types";
import { accountKey } from "../../../ledger/account";
import { Fault, Outcome } from "../../../ledger/book";
import { amountOf } from "../../../ledger/amounts";
import { transact, Transfer } from "../../../ledger/transact";
import { book, FEE, MAX_MEMO_BYTES } from "../model/token";

function refused(message: string): TransferResult {
  return TransferResult.Err(TransferError.GenericError(new GenericError(Nat.ZERO, message)));
}

export function icrc1_transfer(arg: TransferArgs): TransferResult {
  const owner = caller();
  const from = accountKey(owner, arg.from_subaccount);
  const to = accountKey(arg.to.owner, arg.to.subaccount);
  if (from === null || to === null) return refused("a subaccount has 32 bytes");
  const fee = arg.fee;
  if (fee) if (amountOf(fee) != FEE) return TransferResult.Err(TransferError.BadFee(new BadFee(Nat.from(FEE))));
  const memo = arg.memo;
  if (memo !== null && memo.length > MAX_MEMO_BYTES) return refused("a memo has at most 32 bytes");
  const transfer = new Transfer(from, to, amountOf(arg.amount), FEE);
  if (memo !== null) transfer.memo = memo;
  const created = arg.created_at_time;
  if (created !== null) {
    transfer.hasCreatedAt = true;
    transfer.createdAt = created.value;
  }
  const outcome = transact(book, transfer, owner.bytes, encodeTransferArgs(arg));
  return outcome.fault == Fault.None ? TransferResult.Ok(Nat.from(outcome.block)) : TransferResult.Err(fault(outcome, from));
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
