// Source: ICRC-1.

import { Nat } from "../../../cdk/candid/nat";
import { Account } from "../../../generated/icp_ledger/types";
import { book, identifierOrTrap } from "../model/token";

export function icrc1_balance_of(account: Account): Nat {
  const key = identifierOrTrap(account.owner, account.subaccount);
  return Nat.from(book.balance(key));
}
