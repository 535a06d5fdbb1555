/**
 * The door between the Wasm engine and the execution layer.
 *
 * The engine knows one canister at a time: its module, heap, stable memory and globals, and how to run
 * one entry point on them. It never changes anything else. What a message *wants* to change (calls,
 * cycles, certified data, …) comes back as a {@link SystemDelta} that the execution layer applies or drops.
 *
 * Life of a message:
 *   outcome = executeEntryPoint(state, input)
 *   ok   → the execution layer calls state.commit() or state.rollback() (queries always roll back);
 *   trap → the engine has already rolled back to the last commit.
 * Several entry points may run before one commit (upgrade: pre_upgrade, start, post_upgrade): they form
 * one transaction, and a rollback undoes all of them.
 *
 * Must always: a rollback restores heap, stable memory, globals and sizes exactly, at a cost in
 * proportion to the pages touched. Must never: hang, or throw for anything a canister does.
 * A throw out of the engine is a broken invariant or a host with too small a stack.
 */

export const PAGE_BYTES = 4096
export const WASM_PAGE_BYTES = 65_536

/** Reads pages of a memory as persisted. `undefined` = all zeros. The returned buffer is not modified. */
export interface PageSource {
  page(index: number): Uint8Array | undefined
  /** Indices of the pages present, in any order; lets a restore skip holes. */
  indices?(): Iterable<number>
}

/** Error of an execution or a validation; `code` is the public error code ("IC0503"). */
export interface EngineError {
  readonly code: EngineErrorCode
  readonly message: string
}

export type EngineErrorCode =
  | 'IC0207' // canister out of cycles
  | 'IC0502' // trapped
  | 'IC0503' // called ic0.trap
  | 'IC0504' // broke the canister contract
  | 'IC0505' // invalid Wasm module
  | 'IC0507' // out of memory
  | 'IC0513' // callback not found / wrong signature
  | 'IC0522' // instruction limit
  | 'IC0524' // memory access limit
  | 'IC0532' // insufficient cycles for memory growth
  | 'IC0534' // reserved cycles limit in memory growth
  | 'IC0536' // method not found
  | 'IC0539' // wasm memory limit

// ---------------------------------------------------------------------------------------------
// Modules
// ---------------------------------------------------------------------------------------------

export interface CustomSection {
  readonly name: string
  readonly visibility: 'public' | 'private'
  readonly content: Uint8Array
}

export type GlobalType = 'i32' | 'i64' | 'f32' | 'f64' | 'v128'

/** A validated, instrumented, compiled module. Shared by every canister with the same hash; immutable. */
export interface CanisterModule {
  /** SHA-256 of the bytes as uploaded (gzip or raw). */
  readonly hash: Uint8Array
  /** The bytes as uploaded. */
  readonly bytes: Uint8Array
  readonly memory64: boolean
  /** Method names (without prefix) by kind. */
  readonly updates: ReadonlySet<string>
  readonly queries: ReadonlySet<string>
  readonly compositeQueries: ReadonlySet<string>
  /** Which of the fixed entry points are exported. */
  readonly entryPoints: ReadonlySet<FixedEntryPoint>
  readonly hasStart: boolean
  /** `icp:public <name>` and `icp:private <name>` sections, in module order. */
  readonly customSections: readonly CustomSection[]
  /** Σ(name + content) of those sections, for memory accounting. */
  readonly customSectionBytes: number
  /** Wasm instructions in the module; the install is charged 6000 each. */
  readonly instructionCount: number
  /** Types of the persisted globals (all mutable ones and all exported ones), in index order. */
  readonly globalTypes: readonly GlobalType[]
  /** Whether it exports the Motoko marker of enhanced orthogonal persistence (custom section). */
  readonly enhancedOrthogonalPersistence: boolean
}

export type FixedEntryPoint =
  | 'canister_init'
  | 'canister_pre_upgrade'
  | 'canister_post_upgrade'
  | 'canister_inspect_message'
  | 'canister_heartbeat'
  | 'canister_global_timer'
  | 'canister_on_low_wasm_memory'

export type CompileResult =
  | { readonly ok: true; readonly module: CanisterModule }
  | { readonly ok: false; readonly error: EngineError }

// ---------------------------------------------------------------------------------------------
// State
// ---------------------------------------------------------------------------------------------

export type GlobalValue =
  | { readonly type: 'i32'; readonly value: number }
  | { readonly type: 'i64'; readonly value: bigint }
  /** Floats as raw little-endian bits, so that NaN payloads survive. */
  | { readonly type: 'f32'; readonly bits: number }
  | { readonly type: 'f64'; readonly bits: bigint }
  | { readonly type: 'v128'; readonly bits: bigint }

/** A persisted canister image: what a checkpoint or a snapshot holds beside the module. */
export interface MemoryImage {
  /** Bytes, multiples of 64 KiB. */
  readonly heapBytes: number
  readonly heap: PageSource
  readonly stableBytes: number
  readonly stable: PageSource
  readonly globals: readonly GlobalValue[]
}

export interface MemoryChanges {
  /** True: everything persisted before is void; only `pages` counts. */
  readonly replaced: boolean
  readonly bytes: number
  /** Changed 4 KiB pages, ascending. Buffers are views: copy or write before the next execution. */
  readonly pages: () => Iterable<readonly [index: number, page: Uint8Array]>
  readonly pageCount: number
}

export interface StateChanges {
  readonly heap: MemoryChanges
  readonly stable: MemoryChanges
  readonly globals: readonly GlobalValue[]
}

/**
 * Heap, stable memory and globals of one canister. Holds a live Wasm instance only while warm.
 * The clean/dirty distinction is always "since the last checkpoint".
 */
export interface ExecutionState {
  readonly module: CanisterModule
  /** Current sizes in bytes (inside an open transaction: the uncommitted ones). */
  readonly heapBytes: number
  readonly stableBytes: number
  /** heap + stable + globals, in bytes (module and custom sections are accounted by the caller). */
  readonly memoryUsageBytes: number
  readonly globals: readonly GlobalValue[]
  /** Whether there is a live Wasm instance. */
  readonly isLive: boolean
  /** Rough resident bytes held in this process. */
  readonly residentBytes: number

  /** Ends the open transaction, if any, keeping (or undoing) its changes. Idempotent. */
  commit(): void
  rollback(): void

  /**
   * Composite queries: takes the uncommitted changes out (state is then rolled back) and puts them back later.
   * A parked delta is only valid on the same committed state.
   */
  park(): ParkedDelta
  resume(delta: ParkedDelta): void

  /** Reads outside executions (snapshots, downloads). Out of range throws RangeError. */
  readHeap(offset: number, size: number): Uint8Array
  readStable(offset: number, size: number): Uint8Array
  /** Writes of a snapshot upload or test; committed at once; must not run inside a transaction. */
  writeHeap(offset: number, data: Uint8Array): void
  writeStable(offset: number, data: Uint8Array): void
  /** Sets the stable size (growing zero-filled, or shrinking); committed at once. */
  resizeStable(bytes: number): void

  /** An image of the committed state, independent of later changes (pages are copied). */
  snapshot(): MemoryImage

  /**
   * A state with the same stable memory for an upgrade. `this` stays valid and holds the open transaction of
   * pre_upgrade; success: commit() the new one and dispose() the old; failure: dispose() the new one, rollback()
   * the old. With keepHeap (enhanced orthogonal persistence) the heap moves along too.
   */
  forUpgrade(module: CanisterModule, options: { readonly keepHeap: boolean }): ExecutionState

  /** What changed since the last checkpoint, to be persisted. Must not run inside a transaction. */
  changesSinceCheckpoint(): StateChanges
  /** The changes are persisted: forget them; the sources now serve all pages. */
  markCheckpointed(heap: PageSource, stable: PageSource): void
  readonly hasChangesSinceCheckpoint: boolean

  /** Drops the live instance (changed pages are kept aside). Comes back by itself on the next execution. */
  evict(): void
  /** Frees everything; the state must not be used again. */
  dispose(): void
}

/** Opaque. */
export interface ParkedDelta {
  readonly parked: true
}

// ---------------------------------------------------------------------------------------------
// Executing one entry point
// ---------------------------------------------------------------------------------------------

/** A callback: index in the function table and its environment argument. */
export interface CallbackClosure {
  readonly fun: number
  readonly env: bigint
}

/** Entry kinds of the System API context matrix. */
export type EntryPoint =
  | { readonly kind: 'start' }
  | { readonly kind: 'init' }
  | { readonly kind: 'preUpgrade' }
  | { readonly kind: 'postUpgrade' }
  | { readonly kind: 'update'; readonly method: string }
  /** A query method executed as an update or inter-canister call. */
  | { readonly kind: 'replicatedQuery'; readonly method: string }
  | { readonly kind: 'query'; readonly method: string }
  | { readonly kind: 'transform'; readonly method: string }
  | { readonly kind: 'compositeQuery'; readonly method: string }
  | { readonly kind: 'replyCallback' | 'rejectCallback' | 'cleanupCallback'; readonly closure: CallbackClosure }
  | {
      readonly kind: 'compositeReplyCallback' | 'compositeRejectCallback' | 'compositeCleanupCallback'
      readonly closure: CallbackClosure
    }
  /** `method` is the method of the ingress message being inspected. */
  | { readonly kind: 'inspectMessage'; readonly method: string }
  | { readonly kind: 'heartbeat' | 'globalTimer' | 'lowWasmMemory' }

export type EntryKind = EntryPoint['kind']

/** What `ic0` can see. Functions are called during the execution and must be pure. */
export interface SystemView {
  readonly canisterId: Uint8Array
  readonly subnetId: Uint8Array
  /** Nodes of this subnet as the System API reports it. */
  readonly subnetNodeCount: number
  readonly timeNanos: bigint
  readonly canisterVersion: bigint
  /** 1 running, 2 stopping, 3 stopped */
  readonly status: 1 | 2 | 3
  readonly isController: (principal: Uint8Array) => boolean
  /** Sorted by name. */
  readonly environment: readonly (readonly [name: string, value: string])[]
  /** DER-encoded public key of the root subnet. */
  readonly rootKey: Uint8Array
  /** Present only for the target canister of a query call. */
  readonly dataCertificate?: (() => Uint8Array) | undefined

  /** Balance with the execution prepayment already taken (and refunds already credited). */
  readonly cyclesBalance: bigint
  /** Freezing limit minus reserved balance (≥ 0), if usage grew by so many bytes in this message. */
  readonly freezingLimit: (extraMemoryBytes: bigint, extraMessageMemoryBytes: bigint) => bigint
  /** Memory growth by `extraMemoryBytes` in total in this message, with `balance` left: null = allowed. */
  readonly checkGrowth: (extraMemoryBytes: bigint, balance: bigint) => EngineError | null
  /** Bytes the subnet can still give. */
  readonly subnetMemoryAvailableBytes: bigint
  /** Setting; 0 = none. */
  readonly wasmMemoryLimitBytes: bigint
  readonly globalTimerNanos: bigint

  /** Whether the output queue to callee, callback count and message memory admit one more call. Bytes: name and payload. */
  readonly admitCall: (
    callee: Uint8Array, requestBytes: number, bestEffort: boolean, earlier: readonly OutgoingCall[],
  ) => boolean
  readonly fees: FeeView

  readonly logCapacityBytes: number
  readonly logRemainingBytes: number
  /** Whether debug_print is echoed and then charged per byte. */
  readonly onDebugPrint?: ((text: string) => void) | undefined
  /** Told of each trap, for the developer. Traps cost more while somebody listens. Has no influence on results. */
  readonly onTrap?: ((trap: Trap) => void) | undefined
  /** True only for the cycles minting canister. */
  readonly mayMintCycles?: boolean | undefined
}

export interface FeeView {
  /** Fee taken by call_perform beside the attached cycles (call + bytes + response prepayments). */
  readonly callPrepayment: (methodNameBytes: number, payloadBytes: number, bestEffort: boolean) => bigint
  readonly costCall: (methodNameBytes: bigint, payloadBytes: bigint) => bigint
  readonly costCreateCanister: () => bigint
  readonly costHttpRequest: (requestBytes: bigint, maxResponseBytes: bigint) => bigint
  /** Candid-encoded parameters; null = undecodable. */
  readonly costHttpRequestV2?: ((params: Uint8Array) => bigint | null) | undefined
  /** null = unknown key name. */
  readonly costSignWithEcdsa: (keyName: string, curve: 'secp256k1') => bigint | null
  readonly costSignWithSchnorr: (keyName: string, algorithm: 'bip340secp256k1' | 'ed25519') => bigint | null
  readonly costVetKdDeriveKey: (keyName: string, curve: 'bls12_381_g2') => bigint | null
}

/** The message being executed. Fields that a kind cannot see may be left at their defaults. */
export interface MessageView {
  /** Caller of the call context; empty for system tasks (the management canister). */
  readonly caller: Uint8Array
  readonly callerInfo?: { readonly signer: Uint8Array; readonly data: Uint8Array } | undefined
  /** Argument, or the reply payload in a reply callback. */
  readonly payload: Uint8Array
  /** In reject callbacks (and cleanup after one). 0 otherwise. */
  readonly rejectCode?: number | undefined
  readonly rejectMessage?: string | undefined
  /** Nanos; 0n = none. */
  readonly deadlineNanos?: bigint | undefined
  /** Attached cycles of the call context not yet accepted. */
  readonly cyclesAvailable?: bigint | undefined
  readonly cyclesRefunded?: bigint | undefined
  /** Whether an earlier message of the call context has responded. */
  readonly responded?: boolean | undefined
  /** Instructions of earlier messages of this call context (performance counter 1). */
  readonly callContextInstructions?: bigint | undefined
}

export interface ExecutionInput {
  readonly entry: EntryPoint
  readonly message: MessageView
  readonly system: SystemView
  /** Instructions this execution may use. */
  readonly instructionLimit: bigint
  /** The limit named in the IC0522 text when it differs from instructionLimit (e.g. cleanup's share). */
  readonly statedInstructionLimit?: bigint | undefined
}

export interface OutgoingCall {
  readonly callee: Uint8Array
  readonly method: string
  readonly payload: Uint8Array
  readonly cycles: bigint
  /** As returned by FeeView.callPrepayment; already subtracted from the balance the canister sees. */
  readonly prepayment: bigint
  /** Seconds; undefined = guaranteed response. Already clamped to 300. */
  readonly timeoutSeconds?: number | undefined
  readonly onReply: CallbackClosure
  readonly onReject: CallbackClosure
  readonly onCleanup?: CallbackClosure | undefined
}

export type Response =
  | { readonly kind: 'reply'; readonly data: Uint8Array }
  | { readonly kind: 'reject'; readonly message: string }

/** Wanted changes; only present when the execution succeeded. */
export interface SystemDelta {
  readonly response?: Response | undefined
  readonly calls: readonly OutgoingCall[]
  readonly cyclesAccepted: bigint
  readonly cyclesBurned: bigint
  readonly cyclesMinted: bigint
  readonly certifiedData?: Uint8Array | undefined
  readonly globalTimerNanos?: bigint | undefined
  /** inspect_message called accept_message. */
  readonly accepted: boolean
  readonly heapBytes: number
  readonly stableBytes: number
}

export interface LogLine {
  /** UTF-8 text, lossily decoded. */
  readonly text: string
  readonly bytes: Uint8Array
}

/** One function of the stack at a trap. */
export interface TrapFrame {
  /** In the module as uploaded, imports first. */
  readonly functionIndex: number
  /** From the name section. */
  readonly name: string | undefined
  /** Of the instruction that trapped or called, in bytes from the beginning of the (decompressed) uploaded module. */
  readonly offset: number
  /** Where the function's code ends, likewise. */
  readonly functionEnd: number
}

/** How an execution was stopped, for people. Not replicated: it comes from the host's stack. */
export interface Trap {
  readonly error: EngineError
  /** What ran: the export, such as "canister_update greet" or "canister_heartbeat", or "replyCallback" and the like. */
  readonly entryPoint: string
  readonly module: CanisterModule
  /** Innermost first, at most 50; worked out when asked for, which takes as long as compiling the module, once. */
  frames(): readonly TrapFrame[]
}

export interface ExecutionOutcome {
  readonly error: EngineError | null
  /** Including dirty-page charges; at most the limit. */
  readonly instructionsUsed: bigint
  /** Lines to append to the canister log, also after a trap (with the [TRAP] line). */
  readonly logs: readonly LogLine[]
  readonly heapDirtyPages: number
  readonly stableDirtyPages: number
  /** null exactly when error is not. */
  readonly delta: SystemDelta | null
}

/*
 * Functions (in engine.ts):
 *
 *   compileModule(bytes: Uint8Array): CompileResult
 *   createExecutionState(module): ExecutionState                       fresh: data segments applied, nothing run
 *   restoreExecutionState(module, image): ExecutionState               from a checkpoint (clean)
 *   loadSnapshot(module, image): ExecutionState                        as a replacement (everything dirty)
 *   executeEntryPoint(state, input): ExecutionOutcome
 *   hasEntryPoint(module, entry): boolean
 *
 * createExecutionState may fail when a data segment is out of bounds: it returns EngineError then.
 * A fixed entry point that the module does not export succeeds at once with no instructions used.
 */
