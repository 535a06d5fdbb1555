// Moves ICP to an account identifier. Source: ICP ledger, "transfer".

import { caller, time, trap } from "../../../cdk/api";
import { isAccountIdentifier } from "../../../cdk/principal/account-identifier";
import {
  encodeTransferArgs,
  LegacyBadFee,
  LegacyDuplicate,
  LegacyInsufficientFunds,
  LegacyTooOld,
  LegacyTransferError,
  LegacyTransferResult,
  TimeStamp,
  Tokens,
  TransferArgs,
} from "../../../generated/icp_ledger/types";
import { transact, Transfer } from "../../../ledger/transact";
import { Fault, Outcome } from "../../../ledger/book";
import { book, FEE, identifierOrTrap, WINDOW_NANOS } from "../model/token";

export function transfer(arg: TransferArgs): LegacyTransferResult {
  const owner = caller();
  const from = identifierOrTrap(owner, arg.from_subaccount);
  if (!isAccountIdentifier(arg.to)) trap("the account identifier of the recipient has a wrong length or checksum");
  if (arg.fee.e8s != FEE) return LegacyTransferResult.Err(LegacyTransferError.BadFee(new LegacyBadFee(new Tokens(FEE))));
  // Without a creation time the ledger takes its own, so equal transfers of one moment are one.
  if (arg.created_at_time === null) arg.created_at_time = new TimeStamp(time());
  const booked = new Transfer(from, arg.to, arg.amount.e8s, FEE);
  booked.legacyMemo = arg.memo;
  booked.hasCreatedAt = true;
  booked.createdAt = arg.created_at_time!.timestamp_nanos;
  const outcome = transact(book, booked, owner.bytes, encodeTransferArgs(arg));
  return outcome.fault == Fault.None ? LegacyTransferResult.Ok(outcome.block) : LegacyTransferResult.Err(fault(outcome, from));
}

function fault(outcome: Outcome, from: Uint8Array): LegacyTransferError {
  switch (outcome.fault) {
    case Fault.TooOld:
      return LegacyTransferError.TxTooOld(new LegacyTooOld(WINDOW_NANOS));
    case Fault.CreatedInFuture:
      return LegacyTransferError.TxCreatedInFuture();
    case Fault.Duplicate:
      return LegacyTransferError.TxDuplicate(new LegacyDuplicate(outcome.block));
    default:
      return LegacyTransferError.InsufficientFunds(new LegacyInsufficientFunds(new Tokens(book.balance(from))));
  }
}
