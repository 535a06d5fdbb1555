// First installation, with the balances of a local network's developers if there are any.

import { cycleBalance, trap } from "../../../cdk/api";
import { InitArgs } from "../../../generated/cycles_ledger/types";
import { accountKey } from "../../../ledger/account";
import { Fault } from "../../../ledger/book";
import { amountOf } from "../../../ledger/amounts";
import { book } from "../model/token";

export function init(arg: InitArgs): void {
  for (let i = 0; i < arg.initial_balances.length; i++) {
    const initial = arg.initial_balances[i];
    const key = accountKey(initial.account.owner, initial.account.subaccount);
    if (key === null) return trap("a subaccount has 32 bytes");
    if (book.mint(key, amountOf(initial.amount), new Uint8Array(0)).fault != Fault.None) trap("the initial balances are too large");
  }
  // Every balance can be withdrawn: the canister itself must own that many cycles.
  if (book.supply > cycleBalance()) trap("the initial balances exceed the cycles of this canister");
}
