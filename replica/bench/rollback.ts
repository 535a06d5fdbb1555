/**
 * Figure `rollback`: a trapped message that dirtied 10 pages in a heap of 1 GiB, over the same in a heap of 16 MiB.
 * Both canisters have touched their whole heap before, so the big one is really there.
 */
import { compileModule, createExecutionState, executeEntryPoint } from '../execution/wasm/engine.ts'
import { type ExecutionState, PAGE_BYTES, type SystemView } from '../execution/wasm/types.ts'

const MIB = 1024 * 1024
const ROUNDS = 5
const MESSAGES = 2000

const unused = (): never => {
  throw new Error('not part of this figure')
}

const SYSTEM: SystemView = {
  canisterId: Uint8Array.of(1),
  subnetId: Uint8Array.of(2),
  subnetNodeCount: 1,
  timeNanos: 0n,
  canisterVersion: 1n,
  status: 1,
  isController: () => false,
  environment: [],
  rootKey: new Uint8Array(133),
  cyclesBalance: 1n << 60n,
  freezingLimit: () => 0n,
  checkGrowth: () => null,
  subnetMemoryAvailableBytes: 1n << 40n,
  wasmMemoryLimitBytes: 0n,
  globalTimerNanos: 0n,
  admitCall: () => true,
  fees: {
    callPrepayment: unused,
    costCall: unused,
    costCreateCanister: unused,
    costHttpRequest: unused,
    costSignWithEcdsa: unused,
    costSignWithSchnorr: unused,
    costVetKdDeriveKey: unused,
  },
  logCapacityBytes: 0,
  logRemainingBytes: 0,
}

/** Stores to ten pages spread over the heap, then traps; `fill` writes to every page. Assembled by hand. */
function moduleBytes(heapMib: number): Uint8Array {
  const leb = (n: number): number[] => (n < 128 ? [n] : [(n & 127) | 128, ...leb(n >>> 7)])
  const signed = (n: number): number[] => {
    const b = n & 127
    const rest = n >> 7
    return (rest === 0 && b < 64) || (rest === -1 && b >= 64) ? [b] : [b | 128, ...signed(rest)]
  }
  const text = (s: string): number[] => [s.length, ...new TextEncoder().encode(s)]
  const section = (id: number, body: number[]): number[] => [id, ...leb(body.length), ...body]
  const step = Math.floor((heapMib * MIB) / 10 / PAGE_BYTES) * PAGE_BYTES
  const stores = Array.from({ length: 10 }, (_, i) => [0x41, ...signed(i * step), 0x41, 1, 0x36, 2, 0]).flat()
  const trapBody = [0, ...stores, 0x00, 0x0b]
  // loop: store32 at local0; local0 += 4096; while local0 < heap
  const fillBody = [
    1, 1, 0x7f, 0x03, 0x40, 0x20, 0, 0x41, 7, 0x36, 2, 0, 0x20, 0, 0x41, ...signed(4096), 0x6a, 0x22, 0, 0x41,
    ...signed((heapMib * MIB) | 0), 0x49, 0x0d, 0, 0x0b, 0x0b,
  ] // prettier-ignore
  const pages = (heapMib * MIB) / 65_536
  return Uint8Array.from([
    0, 0x61, 0x73, 0x6d, 1, 0, 0, 0,
    ...section(1, [1, 0x60, 0, 0]),
    ...section(3, [2, 0, 0]),
    ...section(5, [1, 0, ...leb(pages)]),
    ...section(7, [2, ...text('canister_update trap'), 0, 0, ...text('canister_update fill'), 0, 1]),
    ...section(10, [2, ...leb(trapBody.length), ...trapBody, ...leb(fillBody.length), ...fillBody]),
  ]) // prettier-ignore
}

function prepare(heapMib: number): ExecutionState {
  const compiled = compileModule(moduleBytes(heapMib))
  if (!compiled.ok) throw new Error(compiled.error.message)
  const fresh = createExecutionState(compiled.module)
  if (!fresh.ok) throw new Error(fresh.error.message)
  const { state } = fresh
  // The undo log of the fill would hold a copy of the heap; it is not kept (the instance is evicted and comes back).
  run(state, 'fill', true)
  run(state, 'trap', false)
  return state
}

function run(state: ExecutionState, method: string, succeeds: boolean): void {
  const outcome = executeEntryPoint(state, {
    entry: { kind: 'update', method },
    message: { caller: Uint8Array.of(4), payload: new Uint8Array(0) },
    system: SYSTEM,
    instructionLimit: 1n << 50n,
  })
  if ((outcome.error === null) !== succeeds) throw new Error(outcome.error?.message ?? 'the message did not trap')
  if (succeeds) state.commit()
  else if (outcome.heapDirtyPages !== 10) throw new Error(`${outcome.heapDirtyPages} pages dirtied instead of 10`)
}

function microsPerMessage(state: ExecutionState): number {
  const from = performance.now()
  for (let i = 0; i < MESSAGES; i++) run(state, 'trap', false)
  return ((performance.now() - from) * 1000) / MESSAGES
}

export async function measure(): Promise<{ value: number; unit: string; detail: Record<string, number> }> {
  const small = prepare(16)
  const big = prepare(1024)
  let smallMicros = Infinity
  let bigMicros = Infinity
  for (let round = 0; round < ROUNDS; round++) {
    smallMicros = Math.min(smallMicros, microsPerMessage(small))
    bigMicros = Math.min(bigMicros, microsPerMessage(big))
  }
  return {
    value: Number((bigMicros / smallMicros).toFixed(3)),
    unit: 'ratio',
    detail: { smallMicros: Number(smallMicros.toFixed(1)), bigMicros: Number(bigMicros.toFixed(1)) },
  }
}
