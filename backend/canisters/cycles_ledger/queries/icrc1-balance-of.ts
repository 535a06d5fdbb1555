// Source: ICRC-1.

import { Nat } from "../../../cdk/candid/nat";
import { Account } from "../../../generated/cycles_ledger/types";
import { accountKeyOrTrap } from "../../../ledger/account";
import { book } from "../model/token";

export function icrc1_balance_of(account: Account): Nat {
  const key = accountKeyOrTrap(account.owner, account.subaccount);
  return Nat.from(book.balance(key));
}
