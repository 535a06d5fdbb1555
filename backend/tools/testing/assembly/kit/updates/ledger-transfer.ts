import { time } from "../../../../../cdk/api";
import { Nat } from "../../../../../cdk/candid/nat";
import { Opt } from "../../../../../cdk/candid/opt";
import { Later, Rejection } from "../../../../../cdk/calls";
import { Principal } from "../../../../../cdk/principal/principal";
import * as ledger from "../../../../../generated/clients/icrc_ledger/client";
import { Account, TransferArgs, TransferErrorTag, TransferResultTag } from "../../../../../generated/clients/icrc_ledger/types";
import { reply_ledger_transfer } from "../../../../../generated/kit/replies";
import { Transferred } from "../../../../../generated/kit/types";

export function ledger_transfer(canister: Principal, to: Principal, amount: Nat): Later {
  const memo = Uint8Array.wrap(String.UTF8.encode("kit"));
  const transfer = new TransferArgs(null, new Account(to, new Uint8Array(32)), amount, null, memo, new Opt<u64>(time()));
  ledger.icrc1_transfer(canister, transfer).perform(onTransfer, onNoTransfer, null);
}

function onTransfer(context: Object | null): void {
  const result = ledger.icrc1_transfer_reply();
  if (result.tag == TransferResultTag.Ok) {
    reply_ledger_transfer(Transferred.Ok(result.as_Ok));
    return;
  }
  const error = result.as_Err;
  if (error.tag == TransferErrorTag.InsufficientFunds) reply_ledger_transfer(Transferred.InsufficientFunds(error.as_InsufficientFunds.balance));
  else reply_ledger_transfer(Transferred.Other(<u8>error.tag));
}

function onNoTransfer(context: Object | null, rejection: Rejection): void { reply_ledger_transfer(Transferred.Rejected(rejection.message)); }
