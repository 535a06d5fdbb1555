// Makes a canister out of an account's cycles, through the cycles minting canister, which knows the subnets.
// The book is debited first; when creation fails, what came back is credited again, less the fee.

import { caller, cyclesRefunded, time } from "../../../cdk/api";
import { Later, Rejection } from "../../../cdk/calls";
import { Nat } from "../../../cdk/candid/nat";
import { Principal } from "../../../cdk/principal/principal";
import * as cmc from "../../../generated/cycles_minting/client";
import {
  CanisterSettings as RemoteSettings,
  CreateCanisterArg,
  CreateCanisterResultTag as RemoteTag,
  SubnetFilter as RemoteFilter,
  SubnetChoice as RemoteChoice,
  SubnetSelection as RemoteSelection,
} from "../../../generated/cycles_minting/types";
import { reply_create_canister } from "../../../generated/cycles_ledger/replies";
import {
  CanisterSettings,
  CreateCanisterArgs,
  CreateCanisterError,
  CreateCanisterResult,
  CreatedCanister,
  CreatedInFuture,
  DuplicateCreation,
  encodeCreateCanisterArgs,
  FailedToCreate,
  GenericError,
  InsufficientFunds,
  SubnetSelection,
  SubnetSelectionTag,
} from "../../../generated/cycles_ledger/types";
import { accountKey } from "../../../ledger/account";
import { Fault } from "../../../ledger/book";
import { amountOf } from "../../../ledger/amounts";
import { book, createdCanisters, FEE } from "../model/token";
import { transactionHash } from "../../../ledger/transaction-hash";

const CYCLES_MINTING = Principal.fromText("rkp4c-7iaaa-aaaaa-aaaca-cai")!;

class Creation {
  constructor(
    public from: Uint8Array,
    public block: u64,
  ) {}
}

function refuse(error: CreateCanisterError): void {
  reply_create_canister(CreateCanisterResult.Err(error));
}

export function create_canister(arg: CreateCanisterArgs): Later {
  const owner = caller();
  const from = accountKey(owner, arg.from_subaccount);
  if (from === null) return refuse(CreateCanisterError.GenericError(new GenericError(Nat.ZERO, "a subaccount has 32 bytes")));
  const created = arg.created_at_time;
  let hash = new Uint8Array(0);
  if (created !== null) {
    hash = transactionHash(owner.bytes, encodeCreateCanisterArgs(arg));
    const admitted = book.admit(created.value, hash);
    if (admitted.fault == Fault.TooOld) return refuse(CreateCanisterError.TooOld());
    if (admitted.fault == Fault.CreatedInFuture) return refuse(CreateCanisterError.CreatedInFuture(new CreatedInFuture(time())));
    if (admitted.fault == Fault.Duplicate) return refuse(duplicate(admitted.block));
  }
  const amount = amountOf(arg.amount);
  const outcome = book.burn(from, amount, FEE, new Uint8Array(0));
  if (outcome.fault != Fault.None) {
    return refuse(CreateCanisterError.InsufficientFunds(new InsufficientFunds(Nat.from(book.balance(from)))));
  }
  if (created !== null) book.remember(created.value, hash, outcome.block);
  const wanted = arg.creation_args;
  const settings = settingsFor(wanted === null ? null : wanted.settings, owner);
  const selection = selectionOf(wanted === null ? null : wanted.subnet_selection);
  cmc
    .create_canister(CYCLES_MINTING, new CreateCanisterArg(settings, null, selection))
    .cycles(amount)
    .perform(onCreated, onRejected, new Creation(from, outcome.block));
}

function duplicate(block: u64): CreateCanisterError {
  const id: Principal | null = createdCanisters.find(block) ? new Principal(createdCanisters.found()) : null;
  return CreateCanisterError.Duplicate(new DuplicateCreation(Nat.from(block), id));
}

/** Without controllers the caller controls what it pays for. */
function settingsFor(wanted: CanisterSettings | null, owner: Principal): RemoteSettings {
  if (wanted === null) return new RemoteSettings([owner], null, null, null, null, null, null);
  const controllers = wanted.controllers;
  return new RemoteSettings(
    controllers === null ? [owner] : controllers,
    wanted.compute_allocation,
    wanted.memory_allocation,
    wanted.freezing_threshold,
    wanted.reserved_cycles_limit,
    wanted.wasm_memory_limit,
    wanted.wasm_memory_threshold,
  );
}

function selectionOf(wanted: SubnetSelection | null): RemoteSelection | null {
  if (wanted === null) return null;
  if (wanted.tag == SubnetSelectionTag.Subnet) return RemoteSelection.Subnet(new RemoteChoice(wanted.as_Subnet.subnet));
  return RemoteSelection.Filter(new RemoteFilter(wanted.as_Filter.subnet_type));
}

function onCreated(context: Object | null): void {
  const creation = changetype<Creation>(context);
  const result = cmc.create_canister_reply();
  if (result.tag == RemoteTag.Err) return fail(creation, result.as_Err.as_Refunded.create_error);
  createdCanisters.insert(creation.block, result.as_Ok.bytes);
  reply_create_canister(CreateCanisterResult.Ok(new CreatedCanister(Nat.from(creation.block), result.as_Ok)));
}

function onRejected(context: Object | null, rejection: Rejection): void {
  fail(changetype<Creation>(context), rejection.message);
}

function fail(creation: Creation, error: string): void {
  const back = cyclesRefunded();
  const refund: Nat | null = back > 0 ? Nat.from(book.mint(creation.from, back, new Uint8Array(0)).block) : null;
  refuse(CreateCanisterError.FailedToCreate(new FailedToCreate(error, refund, Nat.from(creation.block))));
}
