import { Nat } from "../../../../../cdk/candid/nat";
import { Later, Rejection } from "../../../../../cdk/calls";
import { Principal } from "../../../../../cdk/principal/principal";
import * as ledger from "../../../../../generated/clients/icrc_ledger/client";
import { Account } from "../../../../../generated/clients/icrc_ledger/types";
import { reply_ledger_balance } from "../../../../../generated/kit/replies";

export function ledger_balance(canister: Principal, owner: Principal): Later {
  ledger.icrc1_balance_of(canister, new Account(owner, null)).perform(onBalance, onNoBalance, null);
}

function onBalance(context: Object | null): void { reply_ledger_balance(ledger.icrc1_balance_of_reply()); }
function onNoBalance(context: Object | null, rejection: Rejection): void { reply_ledger_balance(Nat.ZERO); }
