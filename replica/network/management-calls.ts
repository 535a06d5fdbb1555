/** The few management calls that the embedding API makes for its user, as method and encoded argument. */
import { IDL } from '@dfinity/candid';
import { Principal as AgentPrincipal } from '@dfinity/principal';
import { createHash } from 'node:crypto';
import { CanisterIdReply, InstallChunkedCodeArgs, InstallCodeArgs, ProvisionalCreateArgs, UploadChunkArgs } from '../execution/management/candid-types.ts';
import type { Principal } from '../types/principal.ts';

export interface ManagementCallText {
  readonly method: string;
  readonly arg: Uint8Array;
}

function call(method: string, type: IDL.Type, value: unknown): ManagementCallText {
  return { method, arg: new Uint8Array(IDL.encode([type], [value])) };
}

function agentPrincipal(id: Principal): AgentPrincipal {
  return AgentPrincipal.fromUint8Array(id.bytes);
}

export function createCanisterCall(options: { cycles?: bigint; id?: Principal; controllers: readonly Principal[] }): ManagementCallText {
  const settings = {
    controllers: [options.controllers.map(agentPrincipal)],
    compute_allocation: [],
    memory_allocation: [],
    freezing_threshold: [],
    reserved_cycles_limit: [],
    minimum_incoming_canister_call_cycles: [],
    log_visibility: [],
    log_memory_limit: [],
    snapshot_visibility: [],
    status_visibility: [],
    wasm_memory_limit: [],
    wasm_memory_threshold: [],
    environment_variables: [],
  };
  return call('provisional_create_canister_with_cycles', ProvisionalCreateArgs, {
    amount: options.cycles === undefined ? [] : [options.cycles],
    settings: [settings],
    specified_id: options.id ? [agentPrincipal(options.id)] : [],
    sender_canister_version: [],
  });
}

/** Textual id from the reply of a creation. */
export function createdCanister(reply: Uint8Array): string {
  const [value] = IDL.decode([CanisterIdReply], reply) as unknown as [{ canister_id: AgentPrincipal }];
  return value.canister_id.toText();
}

/** An ingress message takes 2 MiB with its envelope; what is larger goes through the chunk store. */
const MAX_DIRECT_BYTES = 2 * 1024 * 1024 - 16 * 1024;
const CHUNK_BYTES = 1024 * 1024;

export interface InstallChoices {
  readonly mode?: 'install' | 'reinstall' | 'upgrade';
  readonly skipPreUpgrade?: boolean;
  readonly wasmMemoryPersistence?: 'keep' | 'replace';
}

/** Calls to make one after the other. */
export function installCalls(canister: Principal, wasm: Uint8Array, arg: Uint8Array, choices: InstallChoices): ManagementCallText[] {
  const canister_id = agentPrincipal(canister);
  const mode = installMode(choices);
  if (wasm.length + arg.length <= MAX_DIRECT_BYTES) {
    return [call('install_code', InstallCodeArgs, { mode, canister_id, wasm_module: wasm, arg, sender_canister_version: [] })];
  }
  const chunks: Uint8Array[] = [];
  for (let at = 0; at < wasm.length; at += CHUNK_BYTES) chunks.push(wasm.subarray(at, at + CHUNK_BYTES));
  const sha256 = (bytes: Uint8Array): Uint8Array => new Uint8Array(createHash('sha256').update(bytes).digest());
  return [
    call('clear_chunk_store', ClearChunkStoreArgs, { canister_id }),
    ...chunks.map((chunk) => call('upload_chunk', UploadChunkArgs, { canister_id, chunk })),
    call('install_chunked_code', InstallChunkedCodeArgs, {
      mode,
      target_canister: canister_id,
      store_canister: [],
      chunk_hashes_list: chunks.map((chunk) => ({ hash: sha256(chunk) })),
      wasm_module_hash: sha256(wasm),
      arg,
      sender_canister_version: [],
    }),
    call('clear_chunk_store', ClearChunkStoreArgs, { canister_id }),
  ];
}

const ClearChunkStoreArgs = IDL.Record({ canister_id: IDL.Principal });

function installMode({ mode, skipPreUpgrade, wasmMemoryPersistence }: InstallChoices): unknown {
  if (mode !== 'upgrade') return { [mode ?? 'install']: null };
  return {
    upgrade: [
      {
        skip_pre_upgrade: skipPreUpgrade === undefined ? [] : [skipPreUpgrade],
        wasm_memory_persistence: wasmMemoryPersistence === undefined ? [] : [{ [wasmMemoryPersistence]: null }],
      },
    ],
  };
}
