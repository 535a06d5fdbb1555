/**
 * Candid types of the management canister, all in one place.
 *
 * Names are the wire's. The IDL values serve decoding and encoding, the interfaces
 * next to them say what the Candid library makes of them: `opt` is [] or [value],
 * `nat` and `nat64` are bigint, `blob` is Uint8Array, a variant is an object with
 * one key. Each is used only at the layer's edge; see `candid-codec.ts`.
 *
 * Replies may have more fields than the interface specification lists: clients of
 * several generations read fields the others do not know, and Candid lets a record
 * grow. `log_memory_limit` and `log_memory_store_size` are of that kind: the
 * official command line tool refuses a `canister_status` without them.
 *
 * Source: Interface Spec 0.66, "The IC management canister" and its Candid file.
 */
import { IDL } from '@dfinity/candid';
import type { Principal } from '@dfinity/principal';

export type Opt<T> = [] | [T];

const Blob = IDL.Vec(IDL.Nat8);

// ---------------------------------------------------------------- settings

const VisibilityType = IDL.Variant({
  controllers: IDL.Null,
  public: IDL.Null,
  allowed_viewers: IDL.Vec(IDL.Principal),
});
export type VisibilityCandid =
  | { controllers: null }
  | { public: null }
  | { allowed_viewers: Principal[] };

const EnvironmentVariable = IDL.Record({ name: IDL.Text, value: IDL.Text });
export interface EnvironmentVariableCandid {
  name: string;
  value: string;
}

export const CanisterSettings = IDL.Record({
  controllers: IDL.Opt(IDL.Vec(IDL.Principal)),
  compute_allocation: IDL.Opt(IDL.Nat),
  memory_allocation: IDL.Opt(IDL.Nat),
  freezing_threshold: IDL.Opt(IDL.Nat),
  reserved_cycles_limit: IDL.Opt(IDL.Nat),
  minimum_incoming_canister_call_cycles: IDL.Opt(IDL.Nat),
  wasm_memory_limit: IDL.Opt(IDL.Nat),
  wasm_memory_threshold: IDL.Opt(IDL.Nat),
  log_visibility: IDL.Opt(VisibilityType),
  snapshot_visibility: IDL.Opt(VisibilityType),
  status_visibility: IDL.Opt(VisibilityType),
  log_memory_limit: IDL.Opt(IDL.Nat),
  environment_variables: IDL.Opt(IDL.Vec(EnvironmentVariable)),
});
export interface CanisterSettingsCandid {
  controllers: Opt<Principal[]>;
  compute_allocation: Opt<bigint>;
  memory_allocation: Opt<bigint>;
  freezing_threshold: Opt<bigint>;
  reserved_cycles_limit: Opt<bigint>;
  minimum_incoming_canister_call_cycles: Opt<bigint>;
  wasm_memory_limit: Opt<bigint>;
  wasm_memory_threshold: Opt<bigint>;
  log_visibility: Opt<VisibilityCandid>;
  snapshot_visibility: Opt<VisibilityCandid>;
  status_visibility: Opt<VisibilityCandid>;
  log_memory_limit: Opt<bigint>;
  environment_variables: Opt<EnvironmentVariableCandid[]>;
}

export const DefiniteCanisterSettings = IDL.Record({
  controllers: IDL.Vec(IDL.Principal),
  compute_allocation: IDL.Nat,
  memory_allocation: IDL.Nat,
  freezing_threshold: IDL.Nat,
  reserved_cycles_limit: IDL.Nat,
  minimum_incoming_canister_call_cycles: IDL.Nat,
  wasm_memory_limit: IDL.Nat,
  wasm_memory_threshold: IDL.Nat,
  log_visibility: VisibilityType,
  snapshot_visibility: VisibilityType,
  status_visibility: VisibilityType,
  log_memory_limit: IDL.Nat,
  environment_variables: IDL.Vec(EnvironmentVariable),
});
export interface DefiniteCanisterSettingsCandid {
  controllers: Principal[];
  compute_allocation: bigint;
  memory_allocation: bigint;
  freezing_threshold: bigint;
  reserved_cycles_limit: bigint;
  minimum_incoming_canister_call_cycles: bigint;
  wasm_memory_limit: bigint;
  wasm_memory_threshold: bigint;
  log_visibility: VisibilityCandid;
  snapshot_visibility: VisibilityCandid;
  status_visibility: VisibilityCandid;
  log_memory_limit: bigint;
  environment_variables: EnvironmentVariableCandid[];
}

// ---------------------------------------------------------------- shared arguments

export const CanisterIdArgs = IDL.Record({ canister_id: IDL.Principal });
export interface CanisterIdArgsCandid {
  canister_id: Principal;
}

export const VersionedCanisterIdArgs = IDL.Record({
  canister_id: IDL.Principal,
  sender_canister_version: IDL.Opt(IDL.Nat64),
});
export interface VersionedCanisterIdArgsCandid extends CanisterIdArgsCandid {
  sender_canister_version: Opt<bigint>;
}

// ---------------------------------------------------------------- creation and settings

export const CreateCanisterArgs = IDL.Record({
  settings: IDL.Opt(CanisterSettings),
  sender_canister_version: IDL.Opt(IDL.Nat64),
});
export interface CreateCanisterArgsCandid {
  settings: Opt<CanisterSettingsCandid>;
  sender_canister_version: Opt<bigint>;
}

export const ProvisionalCreateArgs = IDL.Record({
  amount: IDL.Opt(IDL.Nat),
  settings: IDL.Opt(CanisterSettings),
  specified_id: IDL.Opt(IDL.Principal),
  sender_canister_version: IDL.Opt(IDL.Nat64),
});
export interface ProvisionalCreateArgsCandid extends CreateCanisterArgsCandid {
  amount: Opt<bigint>;
  specified_id: Opt<Principal>;
}

export const ProvisionalTopUpArgs = IDL.Record({ canister_id: IDL.Principal, amount: IDL.Nat });
export interface ProvisionalTopUpArgsCandid extends CanisterIdArgsCandid {
  amount: bigint;
}

export const UpdateSettingsArgs = IDL.Record({
  canister_id: IDL.Principal,
  settings: CanisterSettings,
  sender_canister_version: IDL.Opt(IDL.Nat64),
});
export interface UpdateSettingsArgsCandid extends VersionedCanisterIdArgsCandid {
  settings: CanisterSettingsCandid;
}

// ---------------------------------------------------------------- installing

const InstallMode = IDL.Variant({
  install: IDL.Null,
  reinstall: IDL.Null,
  upgrade: IDL.Opt(
    IDL.Record({
      skip_pre_upgrade: IDL.Opt(IDL.Bool),
      wasm_memory_persistence: IDL.Opt(IDL.Variant({ keep: IDL.Null, replace: IDL.Null })),
    }),
  ),
});
export interface UpgradeOptionsCandid {
  skip_pre_upgrade: Opt<boolean>;
  wasm_memory_persistence: Opt<{ keep: null } | { replace: null }>;
}
export type InstallModeCandid =
  | { install: null }
  | { reinstall: null }
  | { upgrade: Opt<UpgradeOptionsCandid> };

export const InstallCodeArgs = IDL.Record({
  mode: InstallMode,
  canister_id: IDL.Principal,
  wasm_module: Blob,
  arg: Blob,
  sender_canister_version: IDL.Opt(IDL.Nat64),
});
export interface InstallCodeArgsCandid extends VersionedCanisterIdArgsCandid {
  mode: InstallModeCandid;
  wasm_module: Uint8Array;
  arg: Uint8Array;
}

const ChunkHash = IDL.Record({ hash: Blob });
export interface ChunkHashCandid {
  hash: Uint8Array;
}

export const InstallChunkedCodeArgs = IDL.Record({
  mode: InstallMode,
  target_canister: IDL.Principal,
  store_canister: IDL.Opt(IDL.Principal),
  chunk_hashes_list: IDL.Vec(ChunkHash),
  wasm_module_hash: Blob,
  arg: Blob,
  sender_canister_version: IDL.Opt(IDL.Nat64),
});
export interface InstallChunkedCodeArgsCandid {
  mode: InstallModeCandid;
  target_canister: Principal;
  store_canister: Opt<Principal>;
  chunk_hashes_list: ChunkHashCandid[];
  wasm_module_hash: Uint8Array;
  arg: Uint8Array;
  sender_canister_version: Opt<bigint>;
}

export const TargetCanisterArgs = IDL.Record({ target_canister: IDL.Principal });

// ---------------------------------------------------------------- chunk store

export const UploadChunkArgs = IDL.Record({ canister_id: IDL.Principal, chunk: Blob });
export interface UploadChunkArgsCandid extends CanisterIdArgsCandid {
  chunk: Uint8Array;
}
export const UploadChunkReply = ChunkHash;
export const StoredChunksReply = IDL.Vec(ChunkHash);

// ---------------------------------------------------------------- status, info, metrics

export const CanisterIdReply = CanisterIdArgs;

export const CanisterStatusReply = IDL.Record({
  status: IDL.Variant({ running: IDL.Null, stopping: IDL.Null, stopped: IDL.Null }),
  ready_for_migration: IDL.Bool,
  version: IDL.Nat64,
  settings: DefiniteCanisterSettings,
  module_hash: IDL.Opt(Blob),
  memory_size: IDL.Nat,
  memory_metrics: IDL.Record({
    wasm_memory_size: IDL.Nat,
    stable_memory_size: IDL.Nat,
    global_memory_size: IDL.Nat,
    wasm_binary_size: IDL.Nat,
    custom_sections_size: IDL.Nat,
    canister_history_size: IDL.Nat,
    wasm_chunk_store_size: IDL.Nat,
    snapshots_size: IDL.Nat,
    log_memory_store_size: IDL.Nat,
  }),
  cycles: IDL.Nat,
  reserved_cycles: IDL.Nat,
  idle_cycles_burned_per_day: IDL.Nat,
  query_stats: IDL.Record({
    num_calls_total: IDL.Nat,
    num_instructions_total: IDL.Nat,
    request_payload_bytes_total: IDL.Nat,
    response_payload_bytes_total: IDL.Nat,
  }),
});
export interface CanisterStatusReplyCandid {
  status: { running: null } | { stopping: null } | { stopped: null };
  ready_for_migration: boolean;
  version: bigint;
  settings: DefiniteCanisterSettingsCandid;
  module_hash: Opt<Uint8Array>;
  memory_size: bigint;
  memory_metrics: {
    wasm_memory_size: bigint;
    stable_memory_size: bigint;
    global_memory_size: bigint;
    wasm_binary_size: bigint;
    custom_sections_size: bigint;
    canister_history_size: bigint;
    wasm_chunk_store_size: bigint;
    snapshots_size: bigint;
    log_memory_store_size: bigint;
  };
  cycles: bigint;
  reserved_cycles: bigint;
  idle_cycles_burned_per_day: bigint;
  query_stats: {
    num_calls_total: bigint;
    num_instructions_total: bigint;
    request_payload_bytes_total: bigint;
    response_payload_bytes_total: bigint;
  };
}

export const CanisterMetricsReply = IDL.Record({
  cycles_consumed: IDL.Record({
    memory: IDL.Nat,
    compute_allocation: IDL.Nat,
    ingress_induction: IDL.Nat,
    instructions: IDL.Nat,
    request_and_response_transmission: IDL.Nat,
    uninstall: IDL.Nat,
    canister_creation: IDL.Nat,
    http_outcalls: IDL.Nat,
    burned_cycles: IDL.Nat,
  }),
});

export const CanisterInfoArgs = IDL.Record({
  canister_id: IDL.Principal,
  num_requested_changes: IDL.Opt(IDL.Nat64),
});
export interface CanisterInfoArgsCandid extends CanisterIdArgsCandid {
  num_requested_changes: Opt<bigint>;
}

const SnapshotSource = IDL.Variant({
  taken_from_canister: IDL.Reserved,
  metadata_upload: IDL.Reserved,
});
export type SnapshotSourceCandid = { taken_from_canister: null } | { metadata_upload: null };

/** `rename_canister` is left out: canisters of this network are never renamed. */
const ChangeDetails = IDL.Variant({
  creation: IDL.Record({
    controllers: IDL.Vec(IDL.Principal),
    environment_variables_hash: IDL.Opt(Blob),
  }),
  code_uninstall: IDL.Null,
  code_deployment: IDL.Record({
    mode: IDL.Variant({ install: IDL.Null, reinstall: IDL.Null, upgrade: IDL.Null }),
    module_hash: Blob,
  }),
  load_snapshot: IDL.Record({
    from_canister_id: IDL.Opt(IDL.Principal),
    snapshot_id: Blob,
    canister_version: IDL.Nat64,
    taken_at_timestamp: IDL.Nat64,
    source: SnapshotSource,
  }),
  controllers_change: IDL.Record({ controllers: IDL.Vec(IDL.Principal) }),
});
const Change = IDL.Record({
  timestamp_nanos: IDL.Nat64,
  canister_version: IDL.Nat64,
  origin: IDL.Variant({
    from_user: IDL.Record({ user_id: IDL.Principal }),
    from_canister: IDL.Record({
      canister_id: IDL.Principal,
      canister_version: IDL.Opt(IDL.Nat64),
    }),
  }),
  details: ChangeDetails,
});
export type ChangeDetailsCandid =
  | { creation: { controllers: Principal[]; environment_variables_hash: Opt<Uint8Array> } }
  | { code_uninstall: null }
  | {
      code_deployment: {
        mode: { install: null } | { reinstall: null } | { upgrade: null };
        module_hash: Uint8Array;
      };
    }
  | {
      load_snapshot: {
        from_canister_id: Opt<Principal>;
        snapshot_id: Uint8Array;
        canister_version: bigint;
        taken_at_timestamp: bigint;
        source: SnapshotSourceCandid;
      };
    }
  | { controllers_change: { controllers: Principal[] } };
export interface ChangeCandid {
  timestamp_nanos: bigint;
  canister_version: bigint;
  origin:
    | { from_user: { user_id: Principal } }
    | { from_canister: { canister_id: Principal; canister_version: Opt<bigint> } };
  details: ChangeDetailsCandid;
}

export const CanisterInfoReply = IDL.Record({
  total_num_changes: IDL.Nat64,
  recent_changes: IDL.Vec(Change),
  module_hash: IDL.Opt(Blob),
  controllers: IDL.Vec(IDL.Principal),
});

export const CanisterMetadataArgs = IDL.Record({ canister_id: IDL.Principal, name: IDL.Text });
export interface CanisterMetadataArgsCandid extends CanisterIdArgsCandid {
  name: string;
}
export const CanisterMetadataReply = IDL.Record({ value: Blob });

export const ListCanistersReply = IDL.Record({
  canisters: IDL.Vec(IDL.Record({ start: IDL.Principal, end: IDL.Principal })),
});

const LogRange = IDL.Record({ start: IDL.Nat64, end: IDL.Nat64 });
/** `filter` is newer than the specification; `end` is exclusive. Clients without it get everything. */
export const FetchLogsArgs = IDL.Record({
  canister_id: IDL.Principal,
  filter: IDL.Opt(IDL.Variant({ by_idx: LogRange, by_timestamp_nanos: LogRange })),
});
export interface FetchLogsArgsCandid extends CanisterIdArgsCandid {
  filter: Opt<
    | { by_idx: { start: bigint; end: bigint } }
    | { by_timestamp_nanos: { start: bigint; end: bigint } }
  >;
}
export const FetchLogsReply = IDL.Record({
  canister_log_records: IDL.Vec(
    IDL.Record({ idx: IDL.Nat64, timestamp_nanos: IDL.Nat64, content: Blob }),
  ),
});

// ---------------------------------------------------------------- snapshots

export const TakeSnapshotArgs = IDL.Record({
  canister_id: IDL.Principal,
  replace_snapshot: IDL.Opt(Blob),
  uninstall_code: IDL.Opt(IDL.Bool),
  sender_canister_version: IDL.Opt(IDL.Nat64),
});
export interface TakeSnapshotArgsCandid extends VersionedCanisterIdArgsCandid {
  replace_snapshot: Opt<Uint8Array>;
  uninstall_code: Opt<boolean>;
}
export const SnapshotReply = IDL.Record({
  id: Blob,
  taken_at_timestamp: IDL.Nat64,
  total_size: IDL.Nat64,
});
export const ListSnapshotsReply = IDL.Vec(SnapshotReply);

export const SnapshotIdArgs = IDL.Record({ canister_id: IDL.Principal, snapshot_id: Blob });
export interface SnapshotIdArgsCandid extends CanisterIdArgsCandid {
  snapshot_id: Uint8Array;
}
export const LoadSnapshotArgs = IDL.Record({
  canister_id: IDL.Principal,
  snapshot_id: Blob,
  sender_canister_version: IDL.Opt(IDL.Nat64),
});
export interface LoadSnapshotArgsCandid extends SnapshotIdArgsCandid {
  sender_canister_version: Opt<bigint>;
}

const SnapshotGlobal = IDL.Variant({
  i32: IDL.Int32,
  i64: IDL.Int64,
  f32: IDL.Float32,
  f64: IDL.Float64,
  v128: IDL.Nat,
});
export type SnapshotGlobalCandid =
  | { i32: number }
  | { i64: bigint }
  | { f32: number }
  | { f64: number }
  | { v128: bigint };

const GlobalTimerState = IDL.Variant({ inactive: IDL.Null, active: IDL.Nat64 });
export type GlobalTimerCandid = { inactive: null } | { active: bigint };

const LowWasmMemoryHookStatus = IDL.Variant({
  condition_not_satisfied: IDL.Null,
  ready: IDL.Null,
  executed: IDL.Null,
});
export type LowWasmMemoryHookStatusCandid =
  | { condition_not_satisfied: null }
  | { ready: null }
  | { executed: null };

export const SnapshotMetadataReply = IDL.Record({
  source: SnapshotSource,
  taken_at_timestamp: IDL.Nat64,
  wasm_module_size: IDL.Nat64,
  globals: IDL.Vec(SnapshotGlobal),
  wasm_memory_size: IDL.Nat64,
  stable_memory_size: IDL.Nat64,
  wasm_chunk_store: IDL.Vec(ChunkHash),
  canister_version: IDL.Nat64,
  certified_data: Blob,
  global_timer: IDL.Opt(GlobalTimerState),
  on_low_wasm_memory_hook_status: IDL.Opt(LowWasmMemoryHookStatus),
});

export const UploadSnapshotMetadataArgs = IDL.Record({
  canister_id: IDL.Principal,
  replace_snapshot: IDL.Opt(Blob),
  wasm_module_size: IDL.Nat64,
  globals: IDL.Vec(SnapshotGlobal),
  wasm_memory_size: IDL.Nat64,
  stable_memory_size: IDL.Nat64,
  certified_data: Blob,
  global_timer: IDL.Opt(GlobalTimerState),
  on_low_wasm_memory_hook_status: IDL.Opt(LowWasmMemoryHookStatus),
});
export interface UploadSnapshotMetadataArgsCandid extends CanisterIdArgsCandid {
  replace_snapshot: Opt<Uint8Array>;
  wasm_module_size: bigint;
  globals: SnapshotGlobalCandid[];
  wasm_memory_size: bigint;
  stable_memory_size: bigint;
  certified_data: Uint8Array;
  global_timer: Opt<GlobalTimerCandid>;
  on_low_wasm_memory_hook_status: Opt<LowWasmMemoryHookStatusCandid>;
}
export const UploadSnapshotMetadataReply = IDL.Record({ snapshot_id: Blob });

const Slice = IDL.Record({ offset: IDL.Nat64, size: IDL.Nat64 });
const Offset = IDL.Record({ offset: IDL.Nat64 });
export interface SliceCandid {
  offset: bigint;
  size: bigint;
}

export const ReadSnapshotDataArgs = IDL.Record({
  canister_id: IDL.Principal,
  snapshot_id: Blob,
  kind: IDL.Variant({
    wasm_module: Slice,
    wasm_memory: Slice,
    stable_memory: Slice,
    wasm_chunk: ChunkHash,
  }),
});
export interface ReadSnapshotDataArgsCandid extends SnapshotIdArgsCandid {
  kind:
    | { wasm_module: SliceCandid }
    | { wasm_memory: SliceCandid }
    | { stable_memory: SliceCandid }
    | { wasm_chunk: ChunkHashCandid };
}
export const ReadSnapshotDataReply = IDL.Record({ chunk: Blob });

export const UploadSnapshotDataArgs = IDL.Record({
  canister_id: IDL.Principal,
  snapshot_id: Blob,
  kind: IDL.Variant({
    wasm_module: Offset,
    wasm_memory: Offset,
    stable_memory: Offset,
    wasm_chunk: IDL.Null,
  }),
  chunk: Blob,
});
export interface UploadSnapshotDataArgsCandid extends SnapshotIdArgsCandid {
  kind:
    | { wasm_module: { offset: bigint } }
    | { wasm_memory: { offset: bigint } }
    | { stable_memory: { offset: bigint } }
    | { wasm_chunk: null };
  chunk: Uint8Array;
}

// ---------------------------------------------------------------- subnet

export const SubnetIdArgs = IDL.Record({ subnet_id: IDL.Principal });
export interface SubnetIdArgsCandid {
  subnet_id: Principal;
}
export const SubnetInfoReply = IDL.Record({
  replica_version: IDL.Text,
  registry_version: IDL.Nat64,
});

export const NodeMetricsArgs = IDL.Record({
  subnet_id: IDL.Principal,
  start_at_timestamp_nanos: IDL.Nat64,
});
export interface NodeMetricsArgsCandid extends SubnetIdArgsCandid {
  start_at_timestamp_nanos: bigint;
}
export const NodeMetricsReply = IDL.Vec(
  IDL.Record({
    timestamp_nanos: IDL.Nat64,
    node_metrics: IDL.Vec(
      IDL.Record({
        node_id: IDL.Principal,
        num_blocks_proposed_total: IDL.Nat64,
        num_block_failures_total: IDL.Nat64,
      }),
    ),
  }),
);

export const RawRandReply = Blob;

// ---------------------------------------------------------------- subsystems not yet built

const EcdsaKeyId = IDL.Record({ curve: IDL.Variant({ secp256k1: IDL.Null }), name: IDL.Text });
const SchnorrKeyId = IDL.Record({
  algorithm: IDL.Variant({ bip340secp256k1: IDL.Null, ed25519: IDL.Null }),
  name: IDL.Text,
});
const VetKdKeyId = IDL.Record({ curve: IDL.Variant({ bls12_381_g2: IDL.Null }), name: IDL.Text });

export const EcdsaPublicKeyArgs = IDL.Record({
  canister_id: IDL.Opt(IDL.Principal),
  derivation_path: IDL.Vec(Blob),
  key_id: EcdsaKeyId,
});
export const SignWithEcdsaArgs = IDL.Record({
  message_hash: Blob,
  derivation_path: IDL.Vec(Blob),
  key_id: EcdsaKeyId,
});
export const SchnorrPublicKeyArgs = IDL.Record({
  canister_id: IDL.Opt(IDL.Principal),
  derivation_path: IDL.Vec(Blob),
  key_id: SchnorrKeyId,
});
export const SignWithSchnorrArgs = IDL.Record({
  message: Blob,
  derivation_path: IDL.Vec(Blob),
  key_id: SchnorrKeyId,
  aux: IDL.Opt(IDL.Variant({ bip341: IDL.Record({ merkle_root_hash: Blob }) })),
});
export const VetKdPublicKeyArgs = IDL.Record({
  canister_id: IDL.Opt(IDL.Principal),
  context: Blob,
  key_id: VetKdKeyId,
});
export const VetKdDeriveKeyArgs = IDL.Record({
  input: Blob,
  context: Blob,
  transport_public_key: Blob,
  key_id: VetKdKeyId,
});
export interface ThresholdArgsCandid {
  derivation_path?: Uint8Array[];
  message_hash?: Uint8Array;
  transport_public_key?: Uint8Array;
  key_id: { name: string } & Record<string, unknown>;
}

const HttpHeader = IDL.Record({ name: IDL.Text, value: IDL.Text });
export const HttpResponse = IDL.Record({
  status: IDL.Nat,
  headers: IDL.Vec(HttpHeader),
  body: Blob,
});
export interface HttpResponseCandid {
  status: bigint;
  headers: { name: string; value: string }[];
  body: Uint8Array;
}
export const TransformArgs = IDL.Record({ response: HttpResponse, context: Blob });
export const HttpRequestArgs = IDL.Record({
  url: IDL.Text,
  max_response_bytes: IDL.Opt(IDL.Nat64),
  method: IDL.Variant({
    get: IDL.Null,
    head: IDL.Null,
    post: IDL.Null,
    put: IDL.Null,
    delete: IDL.Null,
    patch: IDL.Null,
  }),
  headers: IDL.Vec(HttpHeader),
  body: IDL.Opt(Blob),
  transform: IDL.Opt(
    IDL.Record({
      function: IDL.Func(
        [TransformArgs],
        [HttpResponse],
        ['query'],
      ),
      context: Blob,
    }),
  ),
  is_replicated: IDL.Opt(IDL.Bool),
});
export interface HttpRequestArgsCandid {
  url: string;
  max_response_bytes: Opt<bigint>;
  method: Record<string, null>;
  headers: { name: string; value: string }[];
  body: Opt<Uint8Array>;
  transform: Opt<{ function: [Principal, string]; context: Uint8Array }>;
  is_replicated: Opt<boolean>;
}
