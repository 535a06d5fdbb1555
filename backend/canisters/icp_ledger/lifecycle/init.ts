// First installation, with the balances of a local network's developers if there are any.

import { trap } from "../../../cdk/api";
import { InitArgs } from "../../../generated/icp_ledger/types";
import { Fault } from "../../../ledger/book";
import { book, identifierOf } from "../model/token";

export function init(arg: InitArgs): void {
  for (let i = 0; i < arg.initial_balances.length; i++) {
    const initial = arg.initial_balances[i];
    const account = identifierOf(initial.account.owner, initial.account.subaccount);
    if (account === null) return trap("a subaccount has 32 bytes");
    if (book.mint(account, initial.e8s, new Uint8Array(0)).fault != Fault.None) trap("the initial balances are too large");
  }
}
