// Sends cycles of an account to a canister. The book is debited first; when the canister cannot take them, the
// amount goes back and only the fee is lost, as in the official ledger.

import { caller, time } from "../../../cdk/api";
import { Later, RejectCode, Rejection } from "../../../cdk/calls";
import { Nat } from "../../../cdk/candid/nat";
import { Opt } from "../../../cdk/candid/opt";
import { Principal } from "../../../cdk/principal/principal";
import * as management from "../../../generated/clients/management/client";
import { CanisterId } from "../../../generated/clients/management/types";
import { reply_withdraw } from "../../../generated/cycles_ledger/replies";
import {
  CreatedInFuture,
  Duplicate,
  encodeWithdrawArgs,
  FailedToWithdraw,
  GenericError,
  InsufficientFunds,
  InvalidReceiver,
  RejectionCode,
  WithdrawArgs,
  WithdrawError,
  WithdrawResult,
} from "../../../generated/cycles_ledger/types";
import { accountKey } from "../../../ledger/account";
import { Fault } from "../../../ledger/book";
import { amountOf } from "../../../ledger/amounts";
import { book, FEE } from "../model/token";
import { transactionHash } from "../../../ledger/transaction-hash";

class Withdrawal {
  constructor(
    public from: Uint8Array,
    public amount: u64,
    public block: u64,
  ) {}
}

function refuse(error: WithdrawError): void {
  reply_withdraw(WithdrawResult.Err(error));
}

export function withdraw(arg: WithdrawArgs): Later {
  const owner = caller();
  const from = accountKey(owner, arg.from_subaccount);
  if (from === null) return refuse(WithdrawError.GenericError(new GenericError(Nat.ZERO, "a subaccount has 32 bytes")));
  if (arg.to.bytes.length == 0 || arg.to.isSelfAuthenticating || arg.to.isAnonymous) {
    return refuse(WithdrawError.InvalidReceiver(new InvalidReceiver(arg.to)));
  }
  const created = arg.created_at_time;
  let hash = new Uint8Array(0);
  if (created !== null) {
    hash = transactionHash(owner.bytes, encodeWithdrawArgs(arg));
    const admitted = book.admit(created.value, hash);
    if (admitted.fault == Fault.TooOld) return refuse(WithdrawError.TooOld());
    if (admitted.fault == Fault.CreatedInFuture) return refuse(WithdrawError.CreatedInFuture(new CreatedInFuture(time())));
    if (admitted.fault == Fault.Duplicate) return refuse(WithdrawError.Duplicate(new Duplicate(Nat.from(admitted.block))));
  }
  const amount = amountOf(arg.amount);
  const outcome = book.burn(from, amount, FEE, new Uint8Array(0));
  if (outcome.fault != Fault.None) {
    return refuse(WithdrawError.InsufficientFunds(new InsufficientFunds(Nat.from(book.balance(from)))));
  }
  if (created !== null) book.remember(created.value, hash, outcome.block);
  management
    .deposit_cycles(Principal.management(), new CanisterId(arg.to))
    .cycles(amount)
    .perform(onDeposited, onRejected, new Withdrawal(from, amount, outcome.block));
}

function onDeposited(context: Object | null): void {
  reply_withdraw(WithdrawResult.Ok(Nat.from(changetype<Withdrawal>(context).block)));
}

function onRejected(context: Object | null, rejection: Rejection): void {
  const withdrawal = changetype<Withdrawal>(context);
  book.mint(withdrawal.from, withdrawal.amount, new Uint8Array(0));
  const fee = Nat.from(withdrawal.block);
  refuse(WithdrawError.FailedToWithdraw(new FailedToWithdraw(fee, codeOf(rejection.code), rejection.message)));
}

function codeOf(code: RejectCode): RejectionCode {
  switch (code) {
    case RejectCode.SysFatal:
      return RejectionCode.SysFatal;
    case RejectCode.SysTransient:
      return RejectionCode.SysTransient;
    case RejectCode.DestinationInvalid:
      return RejectionCode.DestinationInvalid;
    case RejectCode.CanisterReject:
      return RejectionCode.CanisterReject;
    case RejectCode.CanisterError:
      return RejectionCode.CanisterError;
    default:
      return RejectionCode.Unknown;
  }
}
