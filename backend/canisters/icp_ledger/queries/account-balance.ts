// Source: ICP ledger interface.

import { AccountBalanceArgs, Tokens } from "../../../generated/icp_ledger/types";
import { book } from "../model/token";

export function account_balance(arg: AccountBalanceArgs): Tokens {
  return new Tokens(book.balance(arg.account));
}
