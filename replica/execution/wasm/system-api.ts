/**
 * The System API (`ic0`): what each import does for the entry point that is running.
 *
 * Source: Interface Spec, "System API". Contexts, types and fixed overheads are in ic0-table.ts and checked before
 * a function here runs. Everything a call changes is kept in this object until the execution succeeds.
 *
 * Must always: check every range before touching memory, and charge before copying.
 */
import { Principal } from '../../types/principal.ts'
import { AccessedPages } from './accessed-pages.ts'
import {
  CanisterTrap, contractViolation, memoryAccessLimit, outOfInstructions, outOfMemory, trapped, trappedExplicitly,
  wasmMemoryLimitExceeded,
} from './engine-errors.ts' // prettier-ignore
import { type ContextCode, CONTEXT_OF_ENTRY, MODE_NAME, type SystemCall, SYSTEM_CALLS } from './ic0-table.ts'
import type { StableMemory } from './stable-memory.ts'
import {
  type CallbackClosure, type EngineError, type ExecutionInput, type LogLine, type MessageView, type OutgoingCall,
  PAGE_BYTES, type Response, type SystemDelta, type SystemView, WASM_PAGE_BYTES,
} from './types.ts' // prettier-ignore

const MAX_REPLICATED_REPLY_BYTES = 2 * 1024 * 1024
const MAX_QUERY_REPLY_BYTES = 3 * 1024 * 1024
/** Name and payload of one call: five times the cross-subnet limit, as within a subnet. */
const MAX_CALL_BYTES = 10 * 1024 * 1024
const MAX_METHOD_NAME_BYTES = 20_000
const MAX_PRINCIPAL_BYTES = 29
const MAX_CERTIFIED_DATA_BYTES = 32
const MAX_CALL_TIMEOUT_SECONDS = 300
const MAX_ENVIRONMENT_NAME_BYTES = 128
const MAX_DEBUG_BYTES = 32 * 1024
/** Memory kept free for the response of a guaranteed-response call. */
const RESPONSE_RESERVATION_BYTES = 2 * 1024 * 1024
const MAX_STABLE_PAGES = 8_192_000
const MAX_STABLE_PAGES_32 = 65_536
const STABLE_DIRTY_PAGE_COST = 1000
const BYTE_COST_OF_PAYLOADS = 50
const GIB_PAGES = (1024 * 1024 * 1024) / PAGE_BYTES
/** Different stable memory pages that one execution may read or write. */
const STABLE_PAGE_LIMITS = { message: 2 * GIB_PAGES, upgrade: 8 * GIB_PAGES, query: GIB_PAGES }
const U64 = 1n << 64n
const SYS_TRANSIENT = 2

const lossy = new TextDecoder('utf-8')
const strict = new TextDecoder('utf-8', { fatal: true })
const encoder = new TextEncoder()

/** For an execution in this context. */
function stablePageLimitOf(context: ContextCode): number {
  switch (context) {
    case 'I':
    case 'G':
    case 's':
      return STABLE_PAGE_LIMITS.upgrade
    case 'NRQ':
    case 'TQ':
    case 'CQ':
    case 'CRy':
    case 'CRt':
    case 'CC':
    case 'F':
      return STABLE_PAGE_LIMITS.query
    default:
      return STABLE_PAGE_LIMITS.message
  }
}

function stableAccessLimit(how: 'accessed' | 'modified'): CanisterTrap {
  const kib = (pages: number): number => (pages * PAGE_BYTES) / 1024
  const { message, upgrade, query } = STABLE_PAGE_LIMITS
  return memoryAccessLimit(
    `Exceeded the limit for the number of ${how} pages in the stable memory in a single message execution: ` +
      `limit ${kib(message)} KB for regular messages, ${kib(upgrade)} KB for upgrade messages and ${kib(query)} KB for queries`,
  )
}

/** The live memory the API reads and writes. */
export interface HeapAccess {
  readonly hasMemory: boolean
  readonly is64: boolean
  /** Whole heap; valid until the heap grows. */
  readonly view: Uint8Array
  readonly heapBytes: number
  readonly maxPages: number
  getCounter(): bigint
  setCounter(value: bigint): void
  /** Records that a range inside the heap is about to be written. */
  touch(offset: number, size: number): void
  /** Grows by whole Wasm pages; the caller has checked every limit. False: the host has no memory. */
  grow(pages: number): boolean
}

interface PendingCall {
  readonly callee: Uint8Array
  readonly method: string
  readonly methodBytes: number
  readonly onReply: CallbackClosure
  readonly onReject: CallbackClosure
  onCleanup?: CallbackClosure
  timeoutSeconds?: number
  cycles: bigint
  chunks: Uint8Array[]
  payloadBytes: number
}

export class SystemApi {
  readonly input: ExecutionInput
  readonly context: ContextCode
  readonly mode: string
  readonly logs: LogLine[] = []

  private readonly heap: HeapAccess
  private readonly stable: StableMemory
  private readonly view: SystemView
  private readonly message: MessageView
  private readonly usageAtStart: number
  private readonly stableTouchedAtStart: number
  private readonly stableAccessed = new AccessedPages()
  private readonly stablePageLimit: number

  private replyChunks: Uint8Array[] = []
  private replyBytes = 0
  private response: Response | undefined
  private calls: OutgoingCall[] = []
  private pending: PendingCall | null = null
  private messageMemoryBytes = 0n
  /** Balance beside cyclesAccepted, cyclesMinted, cyclesBurned: what calls took. */
  private spentOnCalls = 0n
  private cyclesAccepted = 0n
  private cyclesBurned = 0n
  private cyclesMinted = 0n
  private certifiedData: Uint8Array | undefined
  private globalTimer: bigint | undefined
  private accepted = false
  private logRemaining: number

  constructor(input: ExecutionInput, heap: HeapAccess, stable: StableMemory, committedUsage: number) {
    this.input = input
    this.heap = heap
    this.stable = stable
    this.view = input.system
    this.message = input.message
    this.context = CONTEXT_OF_ENTRY[input.entry.kind]
    this.mode = MODE_NAME[input.entry.kind]
    this.usageAtStart = committedUsage
    this.stableTouchedAtStart = stable.touchedPages
    this.stablePageLimit = stablePageLimitOf(this.context)
    this.logRemaining = input.system.logRemainingBytes
  }

  get stableDirtyPages(): number {
    return this.stable.touchedPages - this.stableTouchedAtStart
  }

  delta(): SystemDelta {
    return {
      response: this.response,
      calls: this.calls,
      cyclesAccepted: this.cyclesAccepted,
      cyclesBurned: this.cyclesBurned,
      cyclesMinted: this.cyclesMinted,
      certifiedData: this.certifiedData,
      globalTimerNanos: this.globalTimer,
      accepted: this.accepted,
      heapBytes: this.heap.heapBytes,
      stableBytes: this.stable.bytes,
    }
  }

  // --- charging ------------------------------------------------------------------------------

  charge(instructions: number): void {
    const left = this.heap.getCounter() - BigInt(Math.min(instructions, Number.MAX_SAFE_INTEGER))
    this.heap.setCounter(left)
    if (left < 0n) throw this.outOfInstructions()
  }

  outOfInstructions(): CanisterTrap {
    return outOfInstructions(this.input.statedInstructionLimit ?? this.input.instructionLimit)
  }

  // --- heap ----------------------------------------------------------------------------------

  private checkRange(what: string, offset: number, size: number, length: number): void {
    // Sums of two such numbers are exact or far beyond any length.
    if (offset + size > length) {
      throw contractViolation(`${what}: src=${offset} + length=${size} exceeds the slice size=${length}`)
    }
  }

  private needsMemory(): void {
    if (!this.heap.hasMemory) throw contractViolation('WebAssembly module must define memory')
  }

  /** Copies a blob's range to the heap; one instruction per byte. */
  private copyOut(name: string, blob: Uint8Array, dst: number, offset: number, size: number): void {
    this.charge(size)
    this.needsMemory()
    this.checkRange(`ic0.${name} heap`, dst, size, this.heap.heapBytes)
    this.checkRange(`ic0.${name} payload`, offset, size, blob.length)
    if (size === 0) return
    this.heap.touch(dst, size)
    this.heap.view.set(offset === 0 && size === blob.length ? blob : blob.subarray(offset, offset + size), dst)
  }

  /** A copy of a heap range. The caller has charged for it. */
  private readHeap(name: string, src: number, size: number): Uint8Array {
    this.needsMemory()
    this.checkRange(`ic0.${name} heap`, src, size, this.heap.heapBytes)
    return this.heap.view.slice(src, src + size)
  }

  private writeCycles(name: string, dst: number, amount: bigint): void {
    const bytes = new Uint8Array(16)
    const data = new DataView(bytes.buffer)
    data.setBigUint64(0, amount & (U64 - 1n), true)
    data.setBigUint64(8, amount >> 64n, true)
    this.needsMemory()
    this.checkRange(`ic0.${name} heap`, dst, 16, this.heap.heapBytes)
    this.heap.touch(dst, 16)
    this.heap.view.set(bytes, dst)
  }

  // --- memory growth -------------------------------------------------------------------------

  private extraMemory(): bigint {
    return BigInt(Math.max(0, this.heap.heapBytes + this.stable.bytes - this.usageAtStart))
  }

  private growthError(extraBytes: number): EngineError | 'no memory' | null {
    const extra = BigInt(Math.max(0, this.heap.heapBytes + this.stable.bytes + extraBytes - this.usageAtStart))
    if (extra > this.view.subnetMemoryAvailableBytes) return 'no memory'
    return this.view.checkGrowth(extra, this.balance())
  }

  /** memory.grow; −1 when beyond the declared or absolute maximum. */
  growHeap(pages: number): number {
    const current = this.heap.heapBytes / WASM_PAGE_BYTES
    if (current + pages > this.heap.maxPages) return -1
    if (pages === 0) return current
    const bytes = BigInt((current + pages) * WASM_PAGE_BYTES)
    const limit = this.view.wasmMemoryLimitBytes
    const limited = this.context === 'I' || this.context === 's' || this.context === 'U'
    if (limited && limit > 0n && bytes > limit) throw wasmMemoryLimitExceeded(limit, bytes)
    const error = this.growthError(pages * WASM_PAGE_BYTES)
    if (error === 'no memory') throw outOfMemory()
    if (error !== null) throw new CanisterTrap(error.code, error.message)
    if (!this.heap.grow(pages)) throw outOfMemory()
    return current
  }

  stableSize(): number {
    return this.stable.bytes / WASM_PAGE_BYTES
  }

  /** −1 when refused for size or subnet memory; traps when refused for cycles. */
  stableGrow(pages: number, maxPages = MAX_STABLE_PAGES): number {
    const current = this.stableSize()
    if (current + pages > maxPages) return -1
    if (pages === 0) return current
    const error = this.growthError(pages * WASM_PAGE_BYTES)
    if (error === 'no memory') return -1
    if (error !== null) throw new CanisterTrap(error.code, error.message)
    this.stable.bytes += pages * WASM_PAGE_BYTES
    return current
  }

  check32BitStable(): void {
    if (this.stable.bytes > MAX_STABLE_PAGES_32 * WASM_PAGE_BYTES) {
      throw trapped('32 bit stable memory api used on a memory larger than 4GB')
    }
  }

  stableGrow32(pages: number): number {
    this.check32BitStable()
    return this.stableGrow(pages, MAX_STABLE_PAGES_32)
  }

  stableRead(dst: number, offset: number, size: number): void {
    this.charge(size)
    this.needsMemory()
    if (size === 0) return
    if (offset + size > this.stable.bytes) throw trapped('stable memory out of bounds')
    if (dst + size > this.heap.heapBytes) throw trapped('heap out of bounds')
    this.accessStable(offset, size)
    this.heap.touch(dst, size)
    this.stable.read(offset, this.heap.view.subarray(dst, dst + size))
  }

  stableWrite(offset: number, src: number, size: number): void {
    this.charge(size)
    this.needsMemory()
    if (size === 0) return
    if (offset + size > this.stable.bytes) throw trapped('stable memory out of bounds')
    if (src + size > this.heap.heapBytes) throw trapped('heap out of bounds')
    const fresh = this.stable.newlyTouched(offset, size)
    if (fresh > 0) {
      this.charge(fresh * STABLE_DIRTY_PAGE_COST)
      if (this.stableDirtyPages + fresh > this.stablePageLimit) throw stableAccessLimit('modified')
    }
    this.accessStable(offset, size)
    this.stable.write(offset, this.heap.view.subarray(src, src + size))
  }

  /** Pages read count like pages written. */
  private accessStable(offset: number, size: number): void {
    this.stableAccessed.add(offset, size)
    if (this.stableAccessed.count > this.stablePageLimit) throw stableAccessLimit('accessed')
  }

  // --- arguments, caller, self ---------------------------------------------------------------

  get payload(): Uint8Array {
    return this.message.payload
  }

  copyBlob(name: string, blob: Uint8Array, dst: number, offset: number, size: number): void {
    this.copyOut(name, blob, dst, offset, size)
  }

  get caller(): Uint8Array {
    return this.message.caller
  }

  get callerInfoData(): Uint8Array {
    return this.message.callerInfo?.data ?? new Uint8Array(0)
  }

  get callerInfoSigner(): Uint8Array {
    return this.message.callerInfo?.signer ?? new Uint8Array(0)
  }

  get canisterId(): Uint8Array {
    return this.view.canisterId
  }

  get subnetId(): Uint8Array {
    return this.view.subnetId
  }

  get subnetNodeCount(): number {
    return this.view.subnetNodeCount
  }

  get status(): number {
    return this.view.status
  }

  get canisterVersion(): bigint {
    return this.view.canisterVersion
  }

  get time(): bigint {
    return this.view.timeNanos
  }

  get rootKey(): Uint8Array {
    return this.view.rootKey
  }

  get rejectCode(): number {
    return this.message.rejectCode ?? 0
  }

  get rejectMessage(): Uint8Array {
    if (this.rejectCode === 0) throw contractViolation('ic0.msg_reject_msg: the message is not a reject')
    return encoder.encode(this.message.rejectMessage ?? '')
  }

  get deadline(): bigint {
    return this.message.deadlineNanos ?? 0n
  }

  get methodName(): Uint8Array {
    return encoder.encode('method' in this.input.entry ? this.input.entry.method : '')
  }

  get inReplicatedExecution(): number {
    return ['s', 'I', 'G', 'U', 'RQ', 'Ry', 'Rt', 'C', 'T'].includes(this.context) ? 1 : 0
  }

  isController(src: number, size: number): number {
    const bytes = this.readHeap('is_controller', src, size)
    if (size > MAX_PRINCIPAL_BYTES) throw contractViolation('ic0.is_controller: invalid principal')
    return this.view.isController(bytes) ? 1 : 0
  }

  performanceCounter(type: number): bigint {
    const used = this.input.instructionLimit - this.heap.getCounter()
    if (type === 0) return used
    if (type === 1) return used + (this.message.callContextInstructions ?? 0n)
    throw contractViolation(`Error getting performance counter type ${type}`)
  }

  acceptMessage(): void {
    if (this.accepted) throw contractViolation('ic0.accept_message: the function was already called')
    this.accepted = true
  }

  setGlobalTimer(nanos: bigint): bigint {
    const previous = this.globalTimer ?? this.view.globalTimerNanos
    this.globalTimer = nanos
    return previous
  }

  setCertifiedData(src: number, size: number): void {
    this.charge(size)
    if (size > MAX_CERTIFIED_DATA_BYTES) {
      throw contractViolation(
        `ic0.certified_data_set failed because the passed data must be no larger than ${MAX_CERTIFIED_DATA_BYTES} bytes. Found ${size} bytes`,
      )
    }
    this.certifiedData = this.readHeap('certified_data_set', src, size)
  }

  get certificatePresent(): number {
    return (this.context === 'NRQ' || this.context === 'CQ') && this.view.dataCertificate ? 1 : 0
  }

  get certificate(): Uint8Array {
    if (this.certificatePresent === 0) throw contractViolation('ic0.data_certificate: no data certificate is available')
    return this.view.dataCertificate!()
  }

  // --- responding ----------------------------------------------------------------------------

  private get maxReplyBytes(): number {
    return ['NRQ', 'CQ', 'CRy', 'CRt'].includes(this.context) ? MAX_QUERY_REPLY_BYTES : MAX_REPLICATED_REPLY_BYTES
  }

  private checkNotResponded(): void {
    if (this.response || this.message.responded === true) throw contractViolation('the call is already replied')
  }

  appendReply(src: number, size: number): void {
    this.charge(size * BYTE_COST_OF_PAYLOADS)
    this.checkNotResponded()
    if (this.replyBytes + size > this.maxReplyBytes) {
      throw contractViolation(
        `ic0.msg_reply_data_append: application payload size (${this.replyBytes + size}) cannot be larger than ${this.maxReplyBytes}.`,
      )
    }
    this.replyChunks.push(this.readHeap('msg_reply_data_append', src, size))
    this.replyBytes += size
  }

  reply(): void {
    this.checkNotResponded()
    this.response = { kind: 'reply', data: concat(this.replyChunks, this.replyBytes) }
    this.replyChunks = []
  }

  reject(src: number, size: number): void {
    this.charge(size * BYTE_COST_OF_PAYLOADS)
    this.checkNotResponded()
    if (size > this.maxReplyBytes) {
      throw contractViolation(
        `ic0.msg_reject: application payload size (${size}) cannot be larger than ${this.maxReplyBytes}.`,
      )
    }
    const bytes = this.readHeap('msg_reject', src, size)
    try {
      this.response = { kind: 'reject', message: strict.decode(bytes) }
    } catch {
      throw contractViolation('ic0.msg_reject: invalid UTF-8 string provided')
    }
    this.replyChunks = []
  }

  // --- cycles --------------------------------------------------------------------------------

  balance(): bigint {
    return (
      this.view.cyclesBalance + this.cyclesAccepted + this.cyclesMinted - this.cyclesBurned - this.spentOnCalls
    )
  }

  private liquidBalance(): bigint {
    const limit = this.view.freezingLimit(this.extraMemory(), this.messageMemoryBytes)
    const balance = this.balance()
    return balance > limit ? balance - limit : 0n
  }

  private as64(amount: bigint): bigint {
    if (amount >= U64) throw trapped('cycles amount exceeds 64-bit representation')
    return amount
  }

  balance64(): bigint {
    return this.as64(this.balance())
  }

  balance128(dst: number): void {
    this.writeCycles('canister_cycle_balance128', dst, this.balance())
  }

  liquid128(dst: number): void {
    this.writeCycles('canister_liquid_cycle_balance128', dst, this.liquidBalance())
  }

  private available(): bigint {
    if (this.response || this.message.responded === true) return 0n
    return (this.message.cyclesAvailable ?? 0n) - this.cyclesAccepted
  }

  available64(): bigint {
    return this.as64(this.available())
  }

  available128(dst: number): void {
    this.writeCycles('msg_cycles_available128', dst, this.available())
  }

  refunded64(): bigint {
    return this.as64(this.message.cyclesRefunded ?? 0n)
  }

  refunded128(dst: number): void {
    this.writeCycles('msg_cycles_refunded128', dst, this.message.cyclesRefunded ?? 0n)
  }

  accept(max: bigint): bigint {
    const available = this.available()
    const amount = max < available ? max : available
    this.cyclesAccepted += amount
    return amount
  }

  accept128(high: bigint, low: bigint, dst: number): void {
    this.checkRange('ic0.msg_cycles_accept128 heap', dst, 16, this.heap.heapBytes)
    this.writeCycles('msg_cycles_accept128', dst, this.accept((high << 64n) | low))
  }

  burn128(high: bigint, low: bigint, dst: number): void {
    const wanted = (high << 64n) | low
    const liquid = this.liquidBalance()
    const amount = wanted < liquid ? wanted : liquid
    this.cyclesBurned += amount
    this.writeCycles('cycles_burn128', dst, amount)
  }

  mint128(high: bigint, low: bigint, dst: number): void {
    if (this.view.mayMintCycles !== true) {
      throw contractViolation('ic0.mint_cycles cannot be executed: should only be called by the cycles minting canister')
    }
    const amount = (high << 64n) | low
    this.cyclesMinted += amount
    this.writeCycles('mint_cycles128', dst, amount)
  }

  // --- calls ---------------------------------------------------------------------------------

  private construction(name: string): PendingCall {
    if (!this.pending) throw contractViolation(`ic0.${name} called when no call is under construction.`)
    return this.pending
  }

  private dropPending(): void {
    if (this.pending) this.spentOnCalls -= this.pending.cycles
    this.pending = null
  }

  /** At the end of an execution: a call still under construction is forgotten. */
  finish(): void {
    this.dropPending()
  }

  callNew(
    calleeSrc: number, calleeSize: number, nameSrc: number, nameSize: number,
    replyFun: number, replyEnv: bigint, rejectFun: number, rejectEnv: bigint,
  ): void {
    this.charge(calleeSize + nameSize)
    this.dropPending()
    if (nameSize > MAX_METHOD_NAME_BYTES) {
      throw contractViolation(
        `ic0.call_new: method_name size ${nameSize} exceeds the maximum allowed ${MAX_METHOD_NAME_BYTES}`,
      )
    }
    if (calleeSize > MAX_PRINCIPAL_BYTES) {
      throw contractViolation(`ic0.call_new: invalid callee: a principal has at most ${MAX_PRINCIPAL_BYTES} bytes`)
    }
    const callee = this.readHeap('call_new', calleeSrc, calleeSize)
    const name = this.readHeap('call_new', nameSrc, nameSize)
    this.pending = {
      callee,
      method: lossy.decode(name),
      methodBytes: nameSize,
      onReply: { fun: clampFun(replyFun), env: replyEnv },
      onReject: { fun: clampFun(rejectFun), env: rejectEnv },
      cycles: 0n,
      chunks: [],
      payloadBytes: 0,
    }
  } // prettier-ignore

  callOnCleanup(fun: number, env: bigint): void {
    const call = this.construction('call_on_cleanup')
    if (call.onCleanup) throw contractViolation('ic0.call_on_cleanup can be called at most once between `ic0.call_new` and `ic0.call_perform`')
    call.onCleanup = { fun: clampFun(fun), env }
  }

  callDataAppend(src: number, size: number): void {
    this.charge(size * BYTE_COST_OF_PAYLOADS)
    const call = this.construction('call_data_append')
    const total = call.methodBytes + call.payloadBytes + size
    if (total > MAX_CALL_BYTES) {
      throw contractViolation(
        `ic0.call_data_append: application payload size (${total}) cannot be larger than ${MAX_CALL_BYTES}.`,
      )
    }
    call.chunks.push(this.readHeap('call_data_append', src, size))
    call.payloadBytes += size
  }

  callBestEffort(timeoutSeconds: number): void {
    const call = this.construction('call_with_best_effort_response')
    if (call.timeoutSeconds !== undefined) {
      throw contractViolation('ic0_call_with_best_effort_response failed because a timeout is already set.')
    }
    call.timeoutSeconds = Math.min(timeoutSeconds, MAX_CALL_TIMEOUT_SECONDS)
  }

  callCyclesAdd(amount: bigint): void {
    const call = this.construction('call_cycles_add')
    if (amount > this.liquidBalance()) {
      throw new CanisterTrap('IC0504', `Canister ${Principal.fromBytes(this.view.canisterId).toText()} is out of cycles`)
    }
    call.cycles += amount
    this.spentOnCalls += amount
  }

  callPerform(): number {
    const call = this.construction('call_perform')
    const composite = this.context === 'CQ' || this.context === 'CRy' || this.context === 'CRt'
    const bestEffort = call.timeoutSeconds !== undefined
    const prepayment = composite ? 0n : this.view.fees.callPrepayment(call.methodBytes, call.payloadBytes, bestEffort)
    const requestBytes = call.methodBytes + call.payloadBytes
    const reserved = composite ? 0 : bestEffort ? requestBytes : Math.max(RESPONSE_RESERVATION_BYTES, requestBytes)
    const refused = (): number => {
      this.dropPending()
      return SYS_TRANSIENT
    }
    if (!composite) {
      const limit = this.view.freezingLimit(this.extraMemory(), this.messageMemoryBytes + BigInt(reserved))
      if (this.balance() - prepayment < limit) return refused()
    }
    if (!this.view.admitCall(call.callee, requestBytes, bestEffort, this.calls)) return refused()
    this.pending = null
    this.spentOnCalls += prepayment
    this.messageMemoryBytes += BigInt(reserved)
    this.calls.push({
      callee: call.callee,
      method: call.method,
      payload: concat(call.chunks, call.payloadBytes),
      cycles: call.cycles,
      prepayment,
      timeoutSeconds: call.timeoutSeconds,
      onReply: call.onReply,
      onReject: call.onReject,
      onCleanup: call.onCleanup,
    })
    return 0
  }

  // --- costs ---------------------------------------------------------------------------------

  costCall(nameBytes: bigint, payloadBytes: bigint, dst: number): void {
    this.writeCycles('cost_call', dst, this.view.fees.costCall(nameBytes, payloadBytes))
  }

  costCreateCanister(dst: number): void {
    this.writeCycles('cost_create_canister', dst, this.view.fees.costCreateCanister())
  }

  costHttpRequest(requestBytes: bigint, maxResponseBytes: bigint, dst: number): void {
    this.writeCycles('cost_http_request', dst, this.view.fees.costHttpRequest(requestBytes, maxResponseBytes))
  }

  costHttpRequestV2(src: number, size: number, dst: number): void {
    this.charge(size)
    const params = this.readHeap('cost_http_request_v2', src, size)
    const cost = this.view.fees.costHttpRequestV2?.(params) ?? null
    if (cost === null) throw contractViolation('ic0.cost_http_request_v2: the parameters cannot be decoded')
    this.writeCycles('cost_http_request_v2', dst, cost)
  }

  costOfKey<T>(
    name: string, src: number, size: number, variant: number, dst: number,
    variants: readonly T[], cost: (keyName: string, variant: T) => bigint | null,
  ): number {
    this.charge(size)
    const bytes = this.readHeap(name, src, size)
    let keyName: string
    try {
      keyName = strict.decode(bytes)
    } catch {
      throw contractViolation(`ic0.${name}: the key name is not valid UTF-8`)
    }
    const chosen = variants[variant]
    if (chosen === undefined) return 1
    const amount = cost(keyName, chosen)
    if (amount === null) return 2
    this.writeCycles(name, dst, amount)
    return 0
  } // prettier-ignore

  costEcdsa(src: number, size: number, curve: number, dst: number): number {
    return this.costOfKey('cost_sign_with_ecdsa', src, size, curve, dst, ['secp256k1'] as const, (key, c) =>
      this.view.fees.costSignWithEcdsa(key, c),
    )
  }

  costSchnorr(src: number, size: number, algorithm: number, dst: number): number {
    const algorithms = ['bip340secp256k1', 'ed25519'] as const
    return this.costOfKey('cost_sign_with_schnorr', src, size, algorithm, dst, algorithms, (key, a) =>
      this.view.fees.costSignWithSchnorr(key, a),
    )
  }

  costVetKd(src: number, size: number, curve: number, dst: number): number {
    return this.costOfKey('cost_vetkd_derive_key', src, size, curve, dst, ['bls12_381_g2'] as const, (key, c) =>
      this.view.fees.costVetKdDeriveKey(key, c),
    )
  }

  // --- environment variables -----------------------------------------------------------------

  get environmentCount(): number {
    return this.view.environment.length
  }

  environmentName(index: number): Uint8Array {
    const entry = this.view.environment[index]
    if (!entry) {
      throw contractViolation(
        `ic0.env_var_name: index ${index} is out of bounds, there are ${this.view.environment.length} environment variables`,
      )
    }
    return encoder.encode(entry[0])
  }

  private environmentKey(call: string, src: number, size: number): string {
    this.charge(size)
    if (size > MAX_ENVIRONMENT_NAME_BYTES) {
      throw contractViolation(`ic0.${call}: name of ${size} bytes exceeds the maximum of ${MAX_ENVIRONMENT_NAME_BYTES}`)
    }
    const bytes = this.readHeap(call, src, size)
    try {
      return strict.decode(bytes)
    } catch {
      throw contractViolation(`ic0.${call}: the name is not valid UTF-8`)
    }
  }

  environmentHas(src: number, size: number): number {
    const key = this.environmentKey('env_var_name_exists', src, size)
    return this.view.environment.some(([name]) => name === key) ? 1 : 0
  }

  environmentValue(call: string, src: number, size: number): Uint8Array {
    const key = this.environmentKey(call, src, size)
    const entry = this.view.environment.find(([name]) => name === key)
    if (!entry) throw contractViolation(`ic0.${call}: environment variable "${key}" does not exist`)
    return encoder.encode(entry[1])
  }

  // --- debugging -----------------------------------------------------------------------------

  private logCharge(size: number): number {
    return 2 * Math.min(size, this.view.logCapacityBytes) + 50 * Math.min(size, this.logRemaining)
  }

  addLog(bytes: Uint8Array): void {
    if (this.inReplicatedExecution === 0) return
    this.logs.push({ bytes, text: lossy.decode(bytes) })
    this.logRemaining = Math.max(0, this.logRemaining - bytes.length)
  }

  debugPrint(src: number, size: number): void {
    const echo = this.view.onDebugPrint
    this.charge(this.logCharge(size) + (echo ? size : 0))
    this.needsMemory()
    const bytes =
      src + size > this.heap.heapBytes
        ? encoder.encode('(debug_print message out of memory bounds)')
        : this.heap.view.slice(src, src + Math.min(size, MAX_DEBUG_BYTES))
    this.addLog(bytes)
    echo?.(lossy.decode(bytes))
  }

  trap(src: number, size: number): never {
    this.charge(size + this.logCharge(size))
    this.needsMemory()
    if (src + size > this.heap.heapBytes) throw trappedExplicitly('(trap message out of memory bounds)')
    throw trappedExplicitly(lossy.decode(this.heap.view.slice(src, src + Math.min(size, MAX_DEBUG_BYTES))))
  }
}

function clampFun(fun: number): number {
  return Math.min(fun, 0xffff_ffff)
}

function concat(chunks: readonly Uint8Array[], size: number): Uint8Array {
  if (chunks.length === 1) return chunks[0]!
  const out = new Uint8Array(size)
  let at = 0
  for (const chunk of chunks) {
    out.set(chunk, at)
    at += chunk.length
  }
  return out
}

// -----------------------------------------------------------------------------------------------
// Binding: import name → function on the running SystemApi. Addresses and i32 arrive as numbers ≥ 0, i64 as
// bigints ≥ 0; `bigEnv` marks address parameters that are opaque values (callback environments).
// -----------------------------------------------------------------------------------------------

type Arg = number & bigint // each implementation states what it takes; the binding converts by signature
type Implementation = (api: SystemApi, ...args: Arg[]) => number | bigint | void

const blob = (size: string, copy: string, get: (api: SystemApi) => Uint8Array): Record<string, Implementation> => ({
  [size]: (api) => get(api).length,
  [copy]: (api, dst, offset, n) => api.copyBlob(copy, get(api), dst, offset, n),
})

const n64 = (value: bigint): number => Number(value)

const IMPLEMENTATIONS: Record<string, Implementation> = {
  ...blob('msg_arg_data_size', 'msg_arg_data_copy', (api) => api.payload),
  ...blob('msg_caller_size', 'msg_caller_copy', (api) => api.caller),
  ...blob('msg_caller_info_data_size', 'msg_caller_info_data_copy', (api) => api.callerInfoData),
  ...blob('msg_caller_info_signer_size', 'msg_caller_info_signer_copy', (api) => api.callerInfoSigner),
  ...blob('msg_reject_msg_size', 'msg_reject_msg_copy', (api) => api.rejectMessage),
  ...blob('canister_self_size', 'canister_self_copy', (api) => api.canisterId),
  ...blob('subnet_self_size', 'subnet_self_copy', (api) => api.subnetId),
  ...blob('msg_method_name_size', 'msg_method_name_copy', (api) => api.methodName),
  ...blob('root_key_size', 'root_key_copy', (api) => api.rootKey),
  ...blob('data_certificate_size', 'data_certificate_copy', (api) => api.certificate),
  msg_reject_code: (api) => api.rejectCode,
  msg_deadline: (api) => api.deadline,
  msg_reply_data_append: (api, src, size) => api.appendReply(src, size),
  msg_reply: (api) => api.reply(),
  msg_reject: (api, src, size) => api.reject(src, size),
  msg_cycles_available128: (api, dst) => api.available128(dst),
  msg_cycles_refunded128: (api, dst) => api.refunded128(dst),
  msg_cycles_accept128: (api, high, low, dst) => api.accept128(high, low, dst),
  cycles_burn128: (api, high, low, dst) => api.burn128(high, low, dst),
  canister_cycle_balance128: (api, dst) => api.balance128(dst),
  canister_liquid_cycle_balance128: (api, dst) => api.liquid128(dst),
  canister_status: (api) => api.status,
  canister_version: (api) => api.canisterVersion,
  subnet_self_node_count: (api) => api.subnetNodeCount,
  accept_message: (api) => api.acceptMessage(),
  call_new: (api, cs, cn, ns, nn, rf, re, jf, je) => api.callNew(cs, cn, ns, nn, rf, BigInt(re), jf, BigInt(je)),
  call_on_cleanup: (api, fun, env) => api.callOnCleanup(fun, BigInt(env)),
  call_data_append: (api, src, size) => api.callDataAppend(src, size),
  call_with_best_effort_response: (api, seconds) => api.callBestEffort(seconds),
  call_cycles_add128: (api, high, low) => api.callCyclesAdd((high << 64n) | low),
  call_perform: (api) => api.callPerform(),
  stable64_size: (api) => BigInt(api.stableSize()),
  stable64_grow: (api, pages) => BigInt(api.stableGrow(n64(pages))),
  stable64_write: (api, offset, src, size) => api.stableWrite(n64(offset), n64(src), n64(size)),
  stable64_read: (api, dst, offset, size) => api.stableRead(n64(dst), n64(offset), n64(size)),
  certified_data_set: (api, src, size) => api.setCertifiedData(src, size),
  data_certificate_present: (api) => api.certificatePresent,
  time: (api) => api.time,
  global_timer_set: (api, nanos) => api.setGlobalTimer(nanos),
  performance_counter: (api, type) => api.performanceCounter(type),
  is_controller: (api, src, size) => api.isController(src, size),
  in_replicated_execution: (api) => api.inReplicatedExecution,
  cost_call: (api, name, payload, dst) => api.costCall(name, payload, dst),
  cost_create_canister: (api, dst) => api.costCreateCanister(dst),
  cost_http_request: (api, request, response, dst) => api.costHttpRequest(request, response, dst),
  cost_http_request_v2: (api, src, size, dst) => api.costHttpRequestV2(src, size, dst),
  cost_sign_with_ecdsa: (api, src, size, curve, dst) => api.costEcdsa(src, size, curve, dst),
  cost_sign_with_schnorr: (api, src, size, algorithm, dst) => api.costSchnorr(src, size, algorithm, dst),
  cost_vetkd_derive_key: (api, src, size, curve, dst) => api.costVetKd(src, size, curve, dst),
  env_var_count: (api) => api.environmentCount,
  env_var_name_size: (api, index) => api.environmentName(index).length,
  env_var_name_copy: (api, index, dst, offset, size) =>
    api.copyBlob('env_var_name_copy', api.environmentName(index), dst, offset, size),
  env_var_name_exists: (api, src, size) => api.environmentHas(src, size),
  env_var_value_size: (api, src, size) => api.environmentValue('env_var_value_size', src, size).length,
  env_var_value_copy: (api, nameSrc, nameSize, dst, offset, size) =>
    api.copyBlob('env_var_value_copy', api.environmentValue('env_var_value_copy', nameSrc, nameSize), dst, offset, size),
  debug_print: (api, src, size) => api.debugPrint(src, size),
  trap: (api, src, size) => api.trap(src, size),
  mint_cycles128: (api, high, low, dst) => api.mint128(high, low, dst),
  msg_cycles_available: (api) => api.available64(),
  msg_cycles_refunded: (api) => api.refunded64(),
  msg_cycles_accept: (api, max) => api.accept(max),
  canister_cycle_balance: (api) => api.balance64(),
  call_cycles_add: (api, amount) => api.callCyclesAdd(amount),
  stable_size: (api) => {
    api.check32BitStable()
    return api.stableSize()
  },
  stable_grow: (api, pages) => api.stableGrow32(pages),
  stable_write: (api, offset, src, size) => {
    if (size > 0) api.check32BitStable()
    api.stableWrite(offset, src, size)
  },
  stable_read: (api, dst, offset, size) => {
    if (size > 0) api.check32BitStable()
    api.stableRead(dst, offset, size)
  },
}

/** Parameters that are callback environments: opaque, kept as they are. */
const ENVIRONMENTS: Record<string, readonly number[]> = { call_new: [5, 7], call_on_cleanup: [1] }

type Convert = (value: number | bigint) => number | bigint
const fromI32: Convert = (v) => (v as number) >>> 0
const fromI64: Convert = (v) => BigInt.asUintN(64, v as bigint)
const fromAddress64: Convert = (v) => Number(BigInt.asUintN(64, v as bigint))
const same: Convert = (v) => v

/**
 * The function to import under `name`, acting on whatever `current()` is at the time of the call.
 * A call in the wrong context traps; the overhead is charged first.
 */
export function bindSystemCall(name: string, is64: boolean, current: () => SystemApi): (...args: never[]) => unknown {
  const call: SystemCall = SYSTEM_CALLS.get(name)!
  const implementation = IMPLEMENTATIONS[name] as (api: SystemApi, ...args: (number | bigint)[]) => number | bigint | void
  const from = [...call.params].map((letter, i) => {
    const address = letter === 'I'
    if (address && is64) return ENVIRONMENTS[name]?.includes(i) ? fromI64 : fromAddress64
    return letter === 'l' ? fromI64 : fromI32
  })
  const result: (value: number | bigint | void) => unknown =
    call.result === 'I' && is64 ? (v) => BigInt(v as number) : (v) => v
  const enter = (): SystemApi => {
    const api = current()
    if (call.overhead > 0) api.charge(call.overhead)
    if (!call.contexts.has(api.context)) {
      throw contractViolation(`"ic0_${name}" cannot be executed in ${api.mode} mode`)
    }
    return api
  }
  const [a = same, b = same, c = same, d = same] = from
  // Fixed arities for the common cases: rest arguments cost.
  type V = number | bigint
  switch (from.length) {
    case 0:
      return (() => result(implementation(enter()))) as never
    case 1:
      return ((w: V) => result(implementation(enter(), a(w)))) as never
    case 2:
      return ((w: V, x: V) => result(implementation(enter(), a(w), b(x)))) as never
    case 3:
      return ((w: V, x: V, y: V) => result(implementation(enter(), a(w), b(x), c(y)))) as never
    case 4:
      return ((w: V, x: V, y: V, z: V) => result(implementation(enter(), a(w), b(x), c(y), d(z)))) as never
    default:
      return ((...args: V[]) => result(implementation(enter(), ...args.map((v, i) => from[i]!(v))))) as never
  }
}
