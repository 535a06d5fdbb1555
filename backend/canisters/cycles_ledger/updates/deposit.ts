// Takes the attached cycles into an account.

import { acceptCycles, cyclesAvailable, trap } from "../../../cdk/api";
import { Nat } from "../../../cdk/candid/nat";
import { DepositArgs, DepositResult } from "../../../generated/cycles_ledger/types";
import { accountKeyOrTrap } from "../../../ledger/account";
import { Fault } from "../../../ledger/book";
import { book, FEE, MAX_MEMO_BYTES } from "../model/token";

export function deposit(arg: DepositArgs): DepositResult {
  const to = accountKeyOrTrap(arg.to.owner, arg.to.subaccount);
  const memo = arg.memo;
  if (memo !== null && memo.length > MAX_MEMO_BYTES) trap("a memo has at most 32 bytes");
  const attached = cyclesAvailable();
  if (attached <= FEE) trap("the attached cycles do not cover the fee of " + FEE.toString());
  const accepted = acceptCycles(attached);
  const outcome = book.mint(to, accepted - FEE, memo === null ? new Uint8Array(0) : memo);
  if (outcome.fault != Fault.None) trap("the ledger cannot hold that many cycles");
  return new DepositResult(Nat.from(outcome.block), Nat.from(book.balance(to)));
}
