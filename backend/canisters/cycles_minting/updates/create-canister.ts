// Makes a canister on a subnet with the attached cycles. The cycles are forwarded out of this canister's own and
// accepted only when the canister is there, so a failure returns them by itself.

import { acceptCycles, caller, cyclesAvailable } from "../../../cdk/api";
import { Later, Rejection } from "../../../cdk/calls";
import { Nat } from "../../../cdk/candid/nat";
import { Principal } from "../../../cdk/principal/principal";
import * as management from "../../../generated/clients/management/client";
import { CanisterSettings as RemoteSettings, CreateCanisterArgs } from "../../../generated/clients/management/types";
import { reply_create_canister } from "../../../generated/cycles_minting/replies";
import {
  CreateCanisterArg,
  CreateCanisterError,
  CreateCanisterResult,
  Refunded,
  SubnetSelection,
  SubnetSelectionTag,
} from "../../../generated/cycles_minting/types";
import { settings } from "../model/settings";

class Creation {
  constructor(public cycles: u64) {}
}

function refuse(cycles: u64, reason: string): void {
  reply_create_canister(CreateCanisterResult.Err(CreateCanisterError.Refunded(new Refunded(Nat.from(cycles), reason))));
}

/** Null when the wish cannot be met. */
function chooseSubnet(wish: SubnetSelection | null): Principal | null {
  const subnets = settings().subnets;
  if (subnets.length == 0) return null;
  if (wish === null) return subnets[0];
  if (wish.tag == SubnetSelectionTag.Filter) return wish.as_Filter.subnet_type === null ? subnets[0] : null;
  const named = wish.as_Subnet.subnet;
  for (let i = 0; i < subnets.length; i++) if (subnets[i].equals(named)) return named;
  return null;
}

export function create_canister(arg: CreateCanisterArg): Later {
  const cycles = cyclesAvailable();
  const subnet = chooseSubnet(arg.subnet_selection);
  if (subnet === null) return refuse(cycles, "no such subnet takes canisters here");
  const wanted = arg.settings;
  const remote = new RemoteSettings([caller()], null, null, null, null, null, null, null, null);
  if (wanted !== null) {
    const controllers = wanted.controllers;
    if (controllers !== null) remote.controllers = controllers;
    remote.compute_allocation = wanted.compute_allocation;
    remote.memory_allocation = wanted.memory_allocation;
    remote.freezing_threshold = wanted.freezing_threshold;
    remote.reserved_cycles_limit = wanted.reserved_cycles_limit;
    remote.wasm_memory_limit = wanted.wasm_memory_limit;
    remote.wasm_memory_threshold = wanted.wasm_memory_threshold;
  }
  // A subnet's id as the callee means that subnet's management canister.
  management.create_canister(subnet, new CreateCanisterArgs(remote)).cycles(cycles).perform(onCreated, onRejected, new Creation(cycles));
}

function onCreated(context: Object | null): void {
  const id = management.create_canister_reply().canister_id;
  acceptCycles(changetype<Creation>(context).cycles);
  reply_create_canister(CreateCanisterResult.Ok(id));
}

function onRejected(context: Object | null, rejection: Rejection): void {
  refuse(changetype<Creation>(context).cycles, rejection.message);
}
