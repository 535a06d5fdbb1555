// The management canister as the deployment uses it: create at a place, install in one message or in
// chunks, and ask for the installed module's hash. Candid as in the Interface Spec, management canister.

import { createHash } from "node:crypto";
import { Actor, type ActorSubclass, type HttpAgent } from "@dfinity/agent";
import { IDL } from "@dfinity/candid";
import { Principal } from "@dfinity/principal";
import { verifyBls } from "./verify.ts";

/** An `install_code` larger than this goes through the chunk store: an ingress message holds 2 MiB. */
const MAX_DIRECT_MODULE_BYTES = 1_900_000;
/** Interface Spec: a chunk holds at most 1 MiB. */
const CHUNK_BYTES = 1_048_576;

export type InstallMode = "install" | "reinstall" | "upgrade";

const Settings = IDL.Record({
  controllers: IDL.Opt(IDL.Vec(IDL.Principal)),
  freezing_threshold: IDL.Opt(IDL.Nat),
});
const Mode = IDL.Variant({
  install: IDL.Null,
  reinstall: IDL.Null,
  upgrade: IDL.Opt(IDL.Record({ skip_pre_upgrade: IDL.Opt(IDL.Bool) })),
});
const ChunkHash = IDL.Record({ hash: IDL.Vec(IDL.Nat8) });

const idlFactory: IDL.InterfaceFactory = ({ IDL: I }) =>
  I.Service({
    provisional_create_canister_with_cycles: I.Func(
      [I.Record({ amount: I.Opt(I.Nat), settings: I.Opt(Settings), specified_id: I.Opt(I.Principal) })],
      [I.Record({ canister_id: I.Principal })],
      [],
    ),
    install_code: I.Func([I.Record({ mode: Mode, canister_id: I.Principal, wasm_module: I.Vec(I.Nat8), arg: I.Vec(I.Nat8) })], [], []),
    upload_chunk: I.Func([I.Record({ canister_id: I.Principal, chunk: I.Vec(I.Nat8) })], [ChunkHash], []),
    clear_chunk_store: I.Func([I.Record({ canister_id: I.Principal })], [], []),
    install_chunked_code: I.Func(
      [
        I.Record({
          mode: Mode,
          target_canister: I.Principal,
          chunk_hashes_list: I.Vec(ChunkHash),
          wasm_module_hash: I.Vec(I.Nat8),
          arg: I.Vec(I.Nat8),
        }),
      ],
      [],
      [],
    ),
    canister_status: I.Func([I.Record({ canister_id: I.Principal })], [I.Record({ module_hash: I.Opt(I.Vec(I.Nat8)), cycles: I.Nat })], []),
    update_settings: I.Func([I.Record({ canister_id: I.Principal, settings: Settings })], [], []),
  });

type Mode = { install: null } | { reinstall: null } | { upgrade: [] };
interface Service {
  provisional_create_canister_with_cycles(arg: {
    amount: [] | [bigint];
    settings: [] | [{ controllers: [] | [Principal[]]; freezing_threshold: [] | [bigint] }];
    specified_id: [] | [Principal];
  }): Promise<{ canister_id: Principal }>;
  install_code(arg: { mode: Mode; canister_id: Principal; wasm_module: Uint8Array; arg: Uint8Array }): Promise<void>;
  upload_chunk(arg: { canister_id: Principal; chunk: Uint8Array }): Promise<{ hash: Uint8Array }>;
  clear_chunk_store(arg: { canister_id: Principal }): Promise<void>;
  install_chunked_code(arg: {
    mode: Mode;
    target_canister: Principal;
    chunk_hashes_list: { hash: Uint8Array }[];
    wasm_module_hash: Uint8Array;
    arg: Uint8Array;
  }): Promise<void>;
  canister_status(arg: { canister_id: Principal }): Promise<{ module_hash: [] | [Uint8Array]; cycles: bigint }>;
  update_settings(arg: { canister_id: Principal; settings: { controllers: [] | [Principal[]]; freezing_threshold: [] | [bigint] } }): Promise<void>;
}

export const sha256Hex = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

export class Management {
  private readonly agent: HttpAgent;
  constructor(agent: HttpAgent) {
    this.agent = agent;
  }

  /** `effective` routes the call to a subnet: for creation any id in that subnet's ranges, else the target. */
  private service(effective: Principal): ActorSubclass<Service> {
    const transform = () => ({ effectiveCanisterId: effective });
    return Actor.createActor<Service>(idlFactory, {
      agent: this.agent,
      canisterId: Principal.managementCanister(),
      blsVerify: verifyBls,
      callTransform: transform,
      queryTransform: transform,
    });
  }

  /** Makes an empty canister on the subnet whose ranges hold `near`; `at` asks for an exact id. */
  async create(near: Principal, cycles: bigint, at?: Principal): Promise<Principal> {
    const { canister_id } = await this.service(at ?? near).provisional_create_canister_with_cycles({
      amount: [cycles],
      settings: [],
      specified_id: at === undefined ? [] : [at],
    });
    return canister_id;
  }

  /** Hex of the installed module's SHA-256; undefined when the canister is empty. Throws when there is no such canister. */
  async moduleHash(canister: Principal): Promise<string | undefined> {
    const { module_hash } = await this.service(canister).canister_status({ canister_id: canister });
    return module_hash[0] === undefined ? undefined : Buffer.from(module_hash[0]).toString("hex");
  }

  async install(canister: Principal, module: Uint8Array, arg: Uint8Array, mode: InstallMode): Promise<void> {
    const service = this.service(canister);
    const wireMode: Mode = mode === "upgrade" ? { upgrade: [] } : mode === "install" ? { install: null } : { reinstall: null };
    if (module.length + arg.length <= MAX_DIRECT_MODULE_BYTES) {
      await service.install_code({ mode: wireMode, canister_id: canister, wasm_module: module, arg });
      return;
    }
    await service.clear_chunk_store({ canister_id: canister });
    const hashes: { hash: Uint8Array }[] = [];
    for (let at = 0; at < module.length; at += CHUNK_BYTES) {
      hashes.push(await service.upload_chunk({ canister_id: canister, chunk: module.subarray(at, at + CHUNK_BYTES) }));
    }
    await service.install_chunked_code({
      mode: wireMode,
      target_canister: canister,
      chunk_hashes_list: hashes,
      wasm_module_hash: createHash("sha256").update(module).digest(),
      arg,
    });
    await service.clear_chunk_store({ canister_id: canister });
  }

  async setControllers(canister: Principal, controllers: Principal[]): Promise<void> {
    await this.service(canister).update_settings({
      canister_id: canister,
      settings: { controllers: [controllers], freezing_threshold: [] },
    });
  }
}
