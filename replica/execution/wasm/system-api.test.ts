import { describe, expect, it } from 'vitest'
import { type ContextCode, CONTEXT_OF_ENTRY, MODE_NAME, SYSTEM_CALLS, type SystemCall } from './ic0-table.ts'
import { CANISTER_ID, compileOrThrow, execute, freshState, FEES, replyOf, SYSTEM, stateOf, update, wat } from './testing.ts'
import type { EntryKind, EntryPoint, ExecutionState, MessageView, SystemView } from './types.ts'

// The matrix once more, written down from the specification and not from the engine's own table.
const STAR = 'I G U RQ NRQ TQ CQ Ry Rt CRy CRt C CC F T'
const MATRIX: Record<string, string> = {
  msg_arg_data_size: 'I U RQ NRQ TQ CQ Ry CRy F',
  msg_arg_data_copy: 'I U RQ NRQ TQ CQ Ry CRy F',
  msg_caller_size: STAR,
  msg_caller_copy: STAR,
  msg_caller_info_data_size: 'U RQ NRQ CQ Ry Rt CRy CRt C CC F',
  msg_caller_info_data_copy: 'U RQ NRQ CQ Ry Rt CRy CRt C CC F',
  msg_caller_info_signer_size: 'U RQ NRQ CQ Ry Rt CRy CRt C CC F',
  msg_caller_info_signer_copy: 'U RQ NRQ CQ Ry Rt CRy CRt C CC F',
  msg_reject_code: 'Ry Rt CRy CRt C',
  msg_reject_msg_size: 'Rt CRt',
  msg_reject_msg_copy: 'Rt CRt',
  msg_deadline: 'U RQ NRQ TQ CQ Ry Rt CRy CRt',
  msg_reply_data_append: 'U RQ NRQ TQ CQ Ry Rt CRy CRt',
  msg_reply: 'U RQ NRQ TQ CQ Ry Rt CRy CRt',
  msg_reject: 'U RQ NRQ TQ CQ Ry Rt CRy CRt',
  msg_cycles_available: 'U RQ Ry Rt',
  msg_cycles_available128: 'U RQ Ry Rt',
  msg_cycles_refunded: 'Ry Rt',
  msg_cycles_refunded128: 'Ry Rt',
  msg_cycles_accept: 'U RQ Ry Rt',
  msg_cycles_accept128: 'U RQ Ry Rt',
  cycles_burn128: 'I G U RQ Ry Rt C T',
  canister_self_size: STAR,
  canister_self_copy: STAR,
  canister_cycle_balance: STAR,
  canister_cycle_balance128: STAR,
  canister_liquid_cycle_balance128: STAR,
  canister_status: STAR,
  canister_version: STAR,
  subnet_self_size: STAR,
  subnet_self_copy: STAR,
  subnet_self_node_count: STAR,
  msg_method_name_size: 'F',
  msg_method_name_copy: 'F',
  accept_message: 'F',
  call_new: 'U CQ Ry Rt CRy CRt T',
  call_on_cleanup: 'U CQ Ry Rt CRy CRt T',
  call_data_append: 'U CQ Ry Rt CRy CRt T',
  call_with_best_effort_response: 'U CQ Ry Rt CRy CRt T',
  call_cycles_add: 'U Ry Rt T',
  call_cycles_add128: 'U Ry Rt T',
  call_perform: 'U CQ Ry Rt CRy CRt T',
  stable_size: `${STAR} s`,
  stable_grow: `${STAR} s`,
  stable_write: `${STAR} s`,
  stable_read: `${STAR} s`,
  stable64_size: `${STAR} s`,
  stable64_grow: `${STAR} s`,
  stable64_write: `${STAR} s`,
  stable64_read: `${STAR} s`,
  root_key_size: 'I G U RQ Ry Rt C T',
  root_key_copy: 'I G U RQ Ry Rt C T',
  certified_data_set: 'I G U Ry Rt T',
  data_certificate_present: STAR,
  data_certificate_size: 'NRQ CQ',
  data_certificate_copy: 'NRQ CQ',
  time: STAR,
  global_timer_set: 'I G U Ry Rt C T',
  performance_counter: `${STAR} s`,
  is_controller: `${STAR} s`,
  in_replicated_execution: `${STAR} s`,
  cost_call: `${STAR} s`,
  cost_create_canister: `${STAR} s`,
  cost_http_request: `${STAR} s`,
  cost_http_request_v2: `${STAR} s`,
  cost_sign_with_ecdsa: `${STAR} s`,
  cost_sign_with_schnorr: `${STAR} s`,
  cost_vetkd_derive_key: `${STAR} s`,
  env_var_count: STAR,
  env_var_name_size: STAR,
  env_var_name_copy: STAR,
  env_var_name_exists: STAR,
  env_var_value_size: STAR,
  env_var_value_copy: STAR,
  debug_print: `${STAR} s`,
  trap: `${STAR} s`,
  mint_cycles128: 'U Ry Rt T',
}

const ENTRIES: Record<EntryKind, EntryPoint> = {
  start: { kind: 'start' },
  init: { kind: 'init' },
  preUpgrade: { kind: 'preUpgrade' },
  postUpgrade: { kind: 'postUpgrade' },
  update: { kind: 'update', method: 'u' },
  replicatedQuery: { kind: 'replicatedQuery', method: 'q' },
  query: { kind: 'query', method: 'q' },
  transform: { kind: 'transform', method: 'q' },
  compositeQuery: { kind: 'compositeQuery', method: 'c' },
  replyCallback: { kind: 'replyCallback', closure: { fun: 0, env: 1n } },
  rejectCallback: { kind: 'rejectCallback', closure: { fun: 0, env: 1n } },
  cleanupCallback: { kind: 'cleanupCallback', closure: { fun: 0, env: 1n } },
  compositeReplyCallback: { kind: 'compositeReplyCallback', closure: { fun: 0, env: 1n } },
  compositeRejectCallback: { kind: 'compositeRejectCallback', closure: { fun: 0, env: 1n } },
  compositeCleanupCallback: { kind: 'compositeCleanupCallback', closure: { fun: 0, env: 1n } },
  inspectMessage: { kind: 'inspectMessage', method: 'u' },
  heartbeat: { kind: 'heartbeat' },
  globalTimer: { kind: 'globalTimer' },
  lowWasmMemory: { kind: 'lowWasmMemory' },
}

/** Setup calls without which an allowed call would trap for another reason. */
const NEEDS_CALL = new Set([
  'call_on_cleanup', 'call_data_append', 'call_with_best_effort_response', 'call_cycles_add', 'call_cycles_add128',
  'call_perform',
]) // prettier-ignore

function letters(call: SystemCall, is64: boolean): { params: string[]; result: string } {
  const of = (letter: string): string => (letter === 'i' || (letter === 'I' && !is64) ? 'i32' : 'i64')
  return { params: [...call.params].map(of), result: [...call.result].map(of).join(' ') }
}

/** A module whose every entry point calls one import with zeros (sizes 0; names of the environment at address 0). */
function moduleCalling(name: string, is64: boolean): string {
  const call = SYSTEM_CALLS.get(name)!
  const { params, result } = letters(call, is64)
  const I = is64 ? 'i64' : 'i32'
  const values = params.map((t, i) => {
    // The environment variable's name is 5 bytes at address 0; Candid parameters of version 2 must not be empty.
    if (name.startsWith('env_var_value') && i === 1) return `(${t}.const 5)`
    if (name === 'cost_http_request_v2' && i === 1) return `(${t}.const 1)`
    return `(${t}.const 0)`
  })
  const invoke = `(call $f ${values.join(' ')})`
  const construct = NEEDS_CALL.has(name) ? `(call $new ${`(${I}.const 0)`.repeat(8)})` : ''
  const importNew = NEEDS_CALL.has(name)
    ? `(import "ic0" "call_new" (func $new (param ${`${I} `.repeat(8)})))`
    : ''
  return `(module
    (import "ic0" "${name}" (func $f (param ${params.join(' ')}) ${result === '' ? '' : `(result ${result})`}))
    ${importNew}
    (memory ${is64 ? 'i64' : ''} 1)
    (data (${I}.const 0) "ALPHA")
    (table 2 funcref) (elem (i32.const 0) $callback $poke)
    (func $body ${construct} ${result === '' ? invoke : `(drop ${invoke})`})
    (func $callback (param ${I}) (call $body))
    (func $poke (param ${I}))
    (start $body)
    ${[
      'canister_init', 'canister_pre_upgrade', 'canister_post_upgrade', 'canister_inspect_message', 'canister_heartbeat',
      'canister_global_timer', 'canister_on_low_wasm_memory', 'canister_update u', 'canister_query q',
      'canister_composite_query c',
    ].map((n) => `(export "${n}" (func $body))`).join('\n')})` // prettier-ignore
}

function messageFor(kind: EntryKind): Partial<MessageView> {
  return kind.endsWith('rejectCallback') || kind.endsWith('RejectCallback')
    ? { rejectCode: 4, rejectMessage: 'no' }
    : { cyclesAvailable: 100n, cyclesRefunded: 3n }
}

describe('System API contexts', () => {
  it('knows every import of the specification', () => {
    expect([...SYSTEM_CALLS.keys()].sort()).toEqual(Object.keys(MATRIX).sort())
  })

  for (const is64 of [false, true]) {
    for (const [name, contexts] of Object.entries(MATRIX)) {
      if (is64 && SYSTEM_CALLS.get(name)!.only32) continue
      it(`${name} runs exactly where it is allowed (${is64 ? 64 : 32} bit)`, () => {
        const allowed = new Set(contexts.split(' ') as ContextCode[])
        const state = freshState(compileOrThrow(wat(moduleCalling(name, is64))))
        for (const [kind, entry] of Object.entries(ENTRIES) as [EntryKind, EntryPoint][]) {
          const outcome = execute(state, entry, {
            message: messageFor(kind),
            system: { mayMintCycles: true, dataCertificate: () => Uint8Array.of(1, 2, 3) },
          })
          state.rollback()
          const text = outcome.error?.message
          if (!allowed.has(CONTEXT_OF_ENTRY[kind])) {
            const first = NEEDS_CALL.has(name) && !MATRIX['call_new']!.split(' ').includes(CONTEXT_OF_ENTRY[kind])
            expect(outcome.error, kind).toEqual({
              code: 'IC0504',
              message: `Canister violated contract: "ic0_${first ? 'call_new' : name}" cannot be executed in ${MODE_NAME[kind]} mode`,
            })
          } else if (name === 'trap') {
            expect(outcome.error?.code, kind).toBe('IC0503')
          } else expect(text, kind).toBeUndefined()
        }
      })
    }
  }
})

/** A 32-bit canister with every import used below; `body` is run by the update `u`. */
function canister(imports: string, body: string, rest = ''): ExecutionState {
  return stateOf(`(module ${imports} (memory 2) (table 4 funcref) (func (export "canister_update u") ${body}) ${rest})`)
}

const IMPORT = {
  reply: '(import "ic0" "msg_reply" (func $reply))',
  append: '(import "ic0" "msg_reply_data_append" (func $append (param i32 i32)))',
}

/** Runs `expression` (which leaves bytes at 0..n) and gives those bytes. */
function bytesAfter(imports: string, body: string, n: number, message: Partial<MessageView> = {}, system: Partial<SystemView> = {}): Uint8Array {
  const state = canister(
    `${imports} ${IMPORT.reply} ${IMPORT.append}`,
    `${body} (call $append (i32.const 0) (i32.const ${n})) (call $reply)`,
  )
  return replyOf(update(state, 'u', { message, system }))
}

const u128 = (bytes: Uint8Array): bigint => {
  const d = new DataView(bytes.buffer, bytes.byteOffset)
  return d.getBigUint64(0, true) | (d.getBigUint64(8, true) << 64n)
}

describe('System API values', () => {
  it('copies arguments, caller, self and subnet', () => {
    const copy = (name: string, n: number, message: Partial<MessageView> = {}): Uint8Array =>
      bytesAfter(`(import "ic0" "${name}" (func $f (param i32 i32 i32)))`, `(call $f (i32.const 0) (i32.const 0) (i32.const ${n}))`, n, message)
    expect([...copy('msg_arg_data_copy', 3, { payload: Uint8Array.of(1, 2, 3) })]).toEqual([1, 2, 3])
    expect([...copy('msg_caller_copy', 2, { caller: Uint8Array.of(7, 8) })]).toEqual([7, 8])
    expect([...copy('canister_self_copy', 10)]).toEqual([...CANISTER_ID])
    expect([...copy('subnet_self_copy', 29)]).toEqual([...SYSTEM.subnetId])
    expect([...copy('root_key_copy', 133)]).toEqual([...SYSTEM.rootKey])
  })

  it('refuses copies outside the blob or the heap, without wrapping', () => {
    const run = (dst: string, offset: string, size: string): string | undefined => {
      const state = canister(
        '(import "ic0" "msg_arg_data_copy" (func $f (param i32 i32 i32)))',
        `(call $f (i32.const ${dst}) (i32.const ${offset}) (i32.const ${size}))`,
      )
      return update(state, 'u', { message: { payload: new Uint8Array(10) } }).error?.code
    }
    expect(run('0', '0', '10')).toBeUndefined()
    expect(run('0', '5', '6')).toBe('IC0504')
    expect(run('131070', '0', '3')).toBe('IC0504')
    expect(run('-1', '0', '10')).toBe('IC0504')
    expect(run('0', '-1', '2')).toBe('IC0504')
    expect(run('0', '0', '-1')).toBe('IC0504')
  })

  it('writes 128-bit amounts as 16 little-endian bytes', () => {
    const balance = (10n ** 13n << 20n) + 77n
    const value = bytesAfter(
      '(import "ic0" "canister_cycle_balance128" (func $f (param i32)))', '(call $f (i32.const 0))', 16, {}, { cyclesBalance: balance },
    ) // prettier-ignore
    expect(u128(value)).toBe(balance)
  })

  it('traps when a 64-bit reader meets more than 64 bits of cycles', () => {
    const state = canister(
      '(import "ic0" "canister_cycle_balance" (func $f (result i64)))', '(drop (call $f))',
    ) // prettier-ignore
    const outcome = update(state, 'u', { system: { cyclesBalance: 1n << 64n } })
    expect(outcome.error?.code).toBe('IC0502')
    expect(outcome.error?.message).toContain('cycles amount exceeds 64-bit representation')
  })

  it('liquid balance is what lies above the freezing limit', () => {
    const value = bytesAfter(
      '(import "ic0" "canister_liquid_cycle_balance128" (func $f (param i32)))', '(call $f (i32.const 0))', 16, {}, { cyclesBalance: 1500n },
    ) // prettier-ignore
    expect(u128(value)).toBe(500n)
  })

  it('accepts at most what is available, and the balance shows it', () => {
    const state = canister(
      `(import "ic0" "msg_cycles_accept" (func $accept (param i64) (result i64)))
       (import "ic0" "msg_cycles_available" (func $available (result i64)))
       ${IMPORT.reply} ${IMPORT.append}`,
      `(i64.store (i32.const 0) (call $accept (i64.const 30)))
       (i64.store (i32.const 8) (call $available))
       (i64.store (i32.const 16) (call $accept (i64.const 1000)))
       (call $append (i32.const 0) (i32.const 24)) (call $reply)
       (i64.store (i32.const 24) (call $available))`,
    )
    const outcome = update(state, 'u', { message: { cyclesAvailable: 100n } })
    const data = new BigUint64Array(replyOf(outcome).slice().buffer)
    expect([...data]).toEqual([30n, 70n, 70n])
    expect(outcome.delta?.cyclesAccepted).toBe(100n)
  })

  it('burns at most the liquid balance', () => {
    const state = canister('(import "ic0" "cycles_burn128" (func $f (param i64 i64 i32)))', '(call $f (i64.const 1) (i64.const 0) (i32.const 0))')
    expect(update(state, 'u', { system: { cyclesBalance: 5000n } }).delta?.cyclesBurned).toBe(4000n)
  })

  it('minting is for the cycles minting canister only', () => {
    const state = canister('(import "ic0" "mint_cycles128" (func $f (param i64 i64 i32)))', '(call $f (i64.const 0) (i64.const 9) (i32.const 0))')
    expect(update(state, 'u').error?.code).toBe('IC0504')
    expect(update(state, 'u', { system: { mayMintCycles: true } }).delta?.cyclesMinted).toBe(9n)
  })

  it('performance counter 0 counts this message, 1 the whole call context, others trap', () => {
    const counters = canister(
      `(import "ic0" "performance_counter" (func $f (param i32) (result i64))) ${IMPORT.reply} ${IMPORT.append}`,
      `(i64.store (i32.const 0) (call $f (i32.const 0))) (i64.store (i32.const 8) (call $f (i32.const 1)))
       (call $append (i32.const 0) (i32.const 16)) (call $reply)`,
    )
    const [a, b] = new BigUint64Array(replyOf(update(counters, 'u', { message: { callContextInstructions: 1_000_000n } })).slice().buffer)
    // The block: entry 1, four constants of the stores and two of the counters 1 each, two calls 5, two stores 1,
    // two constants and two calls of the reply.
    const block = 1n + 2n * (1n + 1n + 5n + 1n) + 2n + 5n + 5n
    expect(a).toBe(block + 200n)
    expect(b).toBe(1_000_000n + block + 400n)
    const bad = canister('(import "ic0" "performance_counter" (func $f (param i32) (result i64)))', '(drop (call $f (i32.const 2)))')
    expect(update(bad, 'u').error?.message).toBe('Canister violated contract: Error getting performance counter type 2')
  })

  it('global timer: returns the previous deadline and reports the last one set', () => {
    const state = canister(
      `(import "ic0" "global_timer_set" (func $f (param i64) (result i64))) ${IMPORT.reply} ${IMPORT.append}`,
      `(i64.store (i32.const 0) (call $f (i64.const 11))) (i64.store (i32.const 8) (call $f (i64.const 0)))
       (call $append (i32.const 0) (i32.const 16)) (call $reply)`,
    )
    const outcome = update(state, 'u')
    expect([...new BigUint64Array(replyOf(outcome).slice().buffer)]).toEqual([5n, 11n])
    expect(outcome.delta?.globalTimerNanos).toBe(0n)
  })

  it('certified data: at most 32 bytes', () => {
    const set = (n: number): ReturnType<typeof update> =>
      update(canister('(import "ic0" "certified_data_set" (func $f (param i32 i32)))', `(call $f (i32.const 0) (i32.const ${n}))`), 'u')
    expect(set(32).delta?.certifiedData?.length).toBe(32)
    expect(set(33).error?.code).toBe('IC0504')
  })

  it('is_controller tells controllers apart and refuses what is no principal', () => {
    const ask = (byte: number, size: number): ReturnType<typeof update> => {
      const state = canister(
        `(import "ic0" "is_controller" (func $f (param i32 i32) (result i32))) ${IMPORT.reply} ${IMPORT.append}`,
        `(i32.store8 (i32.const 0) (i32.const ${byte})) (i32.store8 (i32.const 100) (call $f (i32.const 0) (i32.const ${size})))
         (call $append (i32.const 100) (i32.const 1)) (call $reply)`,
      )
      return update(state, 'u')
    }
    expect(replyOf(ask(9, 1))[0]).toBe(1)
    expect(replyOf(ask(8, 1))[0]).toBe(0)
    expect(ask(9, 30).error?.code).toBe('IC0504')
  })

  it('environment variables by index and by name', () => {
    const imports = `
      (import "ic0" "env_var_count" (func $count (result i32)))
      (import "ic0" "env_var_name_size" (func $nameSize (param i32) (result i32)))
      (import "ic0" "env_var_name_copy" (func $nameCopy (param i32 i32 i32 i32)))
      (import "ic0" "env_var_name_exists" (func $exists (param i32 i32) (result i32)))
      (import "ic0" "env_var_value_size" (func $size (param i32 i32) (result i32)))
      (import "ic0" "env_var_value_copy" (func $copy (param i32 i32 i32 i32 i32)))`
    const out = bytesAfter(
      imports,
      `(call $nameCopy (i32.const 1) (i32.const 0) (i32.const 0) (call $nameSize (i32.const 1)))
       (call $copy (i32.const 0) (i32.const 4) (i32.const 10) (i32.const 0) (call $size (i32.const 0) (i32.const 4)))
       (i32.store8 (i32.const 20) (call $count))
       (i32.store8 (i32.const 21) (call $exists (i32.const 0) (i32.const 4)))
       (i32.store8 (i32.const 22) (call $exists (i32.const 0) (i32.const 3)))`,
      23,
    )
    expect(new TextDecoder().decode(out.slice(0, 4))).toBe('BETA')
    expect(new TextDecoder().decode(out.slice(10, 14))).toBe('zwei')
    expect([...out.slice(20)]).toEqual([2, 1, 0])
    const bad = (body: string): string | undefined => update(canister(imports, body), 'u').error?.code
    expect(bad('(drop (call $nameSize (i32.const 2)))')).toBe('IC0504')
    expect(bad('(drop (call $size (i32.const 0) (i32.const 3)))')).toBe('IC0504')
    expect(bad('(drop (call $exists (i32.const 0) (i32.const 129)))')).toBe('IC0504')
  })

  it('cost functions write what the fee view says, and codes for unknown variants and keys', () => {
    const cost = (name: string, key: string, variant: number): [number, bigint] => {
      const out = bytesAfter(
        `(import "ic0" "${name}" (func $f (param i32 i32 i32 i32) (result i32)))`,
        `${[...key].map((c, i) => `(i32.store8 (i32.const ${200 + i}) (i32.const ${c.charCodeAt(0)}))`).join(' ')}
         (i32.store8 (i32.const 16) (call $f (i32.const 200) (i32.const ${key.length}) (i32.const ${variant}) (i32.const 0)))`,
        17,
      )
      return [out[16]!, u128(out)]
    }
    expect(cost('cost_sign_with_ecdsa', 'key_1', 0)).toEqual([0, 26n])
    expect(cost('cost_sign_with_ecdsa', 'key_1', 1)).toEqual([1, 0n])
    expect(cost('cost_sign_with_ecdsa', 'key_9', 0)).toEqual([2, 0n])
    expect(cost('cost_sign_with_schnorr', 'key_1', 1)).toEqual([0, 28n])
    expect(cost('cost_sign_with_schnorr', 'key_1', 2)).toEqual([1, 0n])
    expect(cost('cost_vetkd_derive_key', 'key_1', 0)).toEqual([0, 29n])
    const create = bytesAfter('(import "ic0" "cost_create_canister" (func $f (param i32)))', '(call $f (i32.const 0))', 16)
    expect(u128(create)).toBe(FEES.costCreateCanister())
    const call = bytesAfter('(import "ic0" "cost_call" (func $f (param i64 i64 i32)))', '(call $f (i64.const 3) (i64.const 4) (i32.const 0))', 16)
    expect(u128(call)).toBe(1007n)
  })
})

describe('System API responses', () => {
  const imports = `${IMPORT.reply} ${IMPORT.append} (import "ic0" "msg_reject" (func $reject (param i32 i32)))`
  const run = (body: string, message: Partial<MessageView> = {}): ReturnType<typeof update> =>
    update(canister(imports, body, '(data (i32.const 0) "gone")(data (i32.const 8) "\\ff\\fe")'), 'u', { message })

  it('replies once', () => {
    expect(run('(call $reply)').delta?.response).toEqual({ kind: 'reply', data: new Uint8Array(0) })
    expect(run('(call $reply) (call $reply)').error?.message).toBe('Canister violated contract: the call is already replied')
    expect(run('(call $reply) (call $append (i32.const 0) (i32.const 1))').error?.code).toBe('IC0504')
    expect(run('(call $reply)', { responded: true }).error?.code).toBe('IC0504')
  })

  it('rejects with UTF-8 text only', () => {
    expect(run('(call $reject (i32.const 0) (i32.const 4))').delta?.response).toEqual({ kind: 'reject', message: 'gone' })
    expect(run('(call $reject (i32.const 8) (i32.const 2))').error?.code).toBe('IC0504')
    expect(run('(call $reply) (call $reject (i32.const 0) (i32.const 4))').error?.code).toBe('IC0504')
  })

  it('limits replies to 2 MiB in updates', () => {
    const big = (n: number): ReturnType<typeof update> =>
      update(
        stateOf(`(module ${imports} (memory 64) (func (export "canister_update u")
          (call $append (i32.const 0) (i32.const ${n})) (call $append (i32.const 0) (i32.const 1)) (call $reply)))`),
        'u',
      )
    expect(replyOf(big(2 * 1024 * 1024 - 1)).length).toBe(2 * 1024 * 1024)
    expect(big(2 * 1024 * 1024).error?.message).toContain(
      'ic0.msg_reply_data_append: application payload size (2097153) cannot be larger than 2097152.',
    )
  })

  it('forgets a reply that was not sent', () => {
    expect(run('(call $append (i32.const 0) (i32.const 4))').delta?.response).toBeUndefined()
  })

  it('ic0.trap gives its text, logs it and undoes the message', () => {
    const state = canister('(import "ic0" "trap" (func $trap (param i32 i32)))', '(i32.store (i32.const 100) (i32.const 1)) (call $trap (i32.const 0) (i32.const 4))', '(data (i32.const 0) "boom")')
    const outcome = update(state, 'u')
    expect(outcome.error?.code).toBe('IC0503')
    expect(outcome.error?.message).toContain("Canister called `ic0.trap` with message: 'boom'")
    expect(outcome.logs.map((l) => l.text)).toEqual(['[TRAP]: boom'])
    expect(state.readHeap(100, 1)[0]).toBe(0)
  })

  it('debug_print never traps', () => {
    const state = canister('(import "ic0" "debug_print" (func $print (param i32 i32)))', '(call $print (i32.const 0) (i32.const 2)) (call $print (i32.const -1) (i32.const 2))', '(data (i32.const 0) "hi")')
    expect(update(state, 'u').logs.map((l) => l.text)).toEqual(['hi', '(debug_print message out of memory bounds)'])
  })
})

describe('System API calls', () => {
  const imports = `
    (import "ic0" "call_new" (func $new (param i32 i32 i32 i32 i32 i32 i32 i32)))
    (import "ic0" "call_data_append" (func $data (param i32 i32)))
    (import "ic0" "call_cycles_add" (func $cycles (param i64)))
    (import "ic0" "call_on_cleanup" (func $cleanup (param i32 i32)))
    (import "ic0" "call_with_best_effort_response" (func $effort (param i32)))
    (import "ic0" "call_perform" (func $perform (result i32)))
    (import "ic0" "canister_cycle_balance" (func $balance (result i64)))
    ${IMPORT.reply} ${IMPORT.append}`
  const NEW = '(call $new (i32.const 0) (i32.const 2) (i32.const 2) (i32.const 3) (i32.const 1) (i32.const -1) (i32.const 3) (i32.const 4))'
  const run = (body: string, system: Partial<SystemView> = {}): ReturnType<typeof update> =>
    update(canister(imports, body, '(data (i32.const 0) "\\05\\06foo payload")'), 'u', { system })

  it('builds a call with payload, cycles, callbacks and timeout', () => {
    const outcome = run(
      `${NEW} (call $data (i32.const 6) (i32.const 3)) (call $data (i32.const 9) (i32.const 4)) (call $cycles (i64.const 500))
       (call $cleanup (i32.const 2) (i32.const 8)) (call $effort (i32.const 1000))
       (i32.store (i32.const 100) (call $perform)) (i64.store (i32.const 104) (call $balance))
       (call $append (i32.const 100) (i32.const 12)) (call $reply)`,
    )
    expect(outcome.delta?.calls).toEqual([
      {
        callee: Uint8Array.of(5, 6),
        method: 'foo',
        payload: new TextEncoder().encode('payload'),
        cycles: 500n,
        prepayment: 1_000_010n,
        timeoutSeconds: 300,
        onReply: { fun: 1, env: 0xffff_ffffn },
        onReject: { fun: 3, env: 4n },
        onCleanup: { fun: 2, env: 8n },
      },
    ])
    const data = new DataView(replyOf(outcome).slice().buffer)
    expect(data.getInt32(0, true)).toBe(0)
    expect(data.getBigUint64(4, true)).toBe(10n ** 13n - 500n - 1_000_010n)
  })

  it('traps when no call is under construction', () => {
    for (const body of ['(call $data (i32.const 0) (i32.const 0))', '(drop (call $perform))', `${NEW} (drop (call $perform)) (call $effort (i32.const 1))`]) {
      expect(run(body).error?.message).toContain('called when no call is under construction.')
    }
  })

  it('a second call_new or the end of the message drops the call and gives its cycles back', () => {
    const outcome = run(`${NEW} (call $cycles (i64.const 500)) ${NEW} (call $cycles (i64.const 7)) (i64.store (i32.const 0) (call $balance)) (call $append (i32.const 0) (i32.const 8)) (call $reply)`)
    expect(new DataView(replyOf(outcome).slice().buffer).getBigUint64(0, true)).toBe(10n ** 13n - 7n)
    expect(outcome.delta?.calls).toEqual([])
  })

  it('call_perform returns 2 without trapping when cycles or the queue do not allow it', () => {
    const body = `${NEW} (call $cycles (i64.const 500)) (i32.store (i32.const 100) (call $perform)) (i64.store (i32.const 104) (call $balance)) (call $append (i32.const 100) (i32.const 12)) (call $reply)`
    for (const system of [{ cyclesBalance: 900_000n }, { admitCall: () => false }]) {
      const outcome = run(body, system)
      const data = new DataView(replyOf(outcome).slice().buffer)
      expect(data.getInt32(0, true)).toBe(2)
      expect(data.getBigUint64(4, true)).toBe(system.cyclesBalance ?? 10n ** 13n)
      expect(outcome.delta?.calls).toEqual([])
    }
  })

  it('refuses long names, long callees, too large payloads, double cleanup and timeouts, and too many cycles', () => {
    const code = (body: string): string | undefined => run(body).error?.code
    expect(code('(call $new (i32.const 0) (i32.const 30) (i32.const 2) (i32.const 3) (i32.const 1) (i32.const 2) (i32.const 3) (i32.const 4))')).toBe('IC0504')
    expect(code('(call $new (i32.const 0) (i32.const 2) (i32.const 2) (i32.const 20001) (i32.const 1) (i32.const 2) (i32.const 3) (i32.const 4))')).toBe('IC0504')
    expect(code(`${NEW} (call $cleanup (i32.const 2) (i32.const 8)) (call $cleanup (i32.const 2) (i32.const 8))`)).toBe('IC0504')
    expect(code(`${NEW} (call $effort (i32.const 2)) (call $effort (i32.const 2))`)).toBe('IC0504')
    const poor = run(`${NEW} (call $cycles (i64.const 10000000000000))`)
    expect(poor.error?.code).toBe('IC0504')
    expect(poor.error?.message).toMatch(/^Canister [a-z0-9-]+ is out of cycles$/)
    const big = update(
      stateOf(`(module ${imports} (memory 200) (data (i32.const 0) "\\05\\06foo") (func (export "canister_update u") ${NEW}
        (call $data (i32.const 0) (i32.const 10485757)) (call $data (i32.const 0) (i32.const 1))))`),
      'u',
    )
    expect(big.error?.message).toContain('cannot be larger than 10485760')
  })
})

describe('stable memory', () => {
  const imports = `
    (import "ic0" "stable64_grow" (func $grow (param i64) (result i64)))
    (import "ic0" "stable64_size" (func $size (result i64)))
    (import "ic0" "stable64_write" (func $write (param i64 i64 i64)))
    (import "ic0" "stable64_read" (func $read (param i64 i64 i64)))
    (import "ic0" "stable_size" (func $size32 (result i32)))
    (import "ic0" "stable_grow" (func $grow32 (param i32) (result i32)))`

  it('grows, writes across pages, reads back, and costs 1000 per page first dirtied', () => {
    const state = canister(
      imports,
      `(drop (call $grow (i64.const 1)))
       (i64.store (i32.const 8) (i64.const 0x1122334455667788))
       (call $write (i64.const 4092) (i64.const 8) (i64.const 8))
       (call $read (i64.const 16) (i64.const 4092) (i64.const 8))
       (if (i64.ne (i64.load (i32.const 8)) (i64.load (i32.const 16))) (then unreachable))`,
    )
    const outcome = update(state, 'u')
    expect(outcome.error).toBeNull()
    expect(outcome.stableDirtyPages).toBe(2)
    expect(state.stableBytes).toBe(65_536)
    expect([...state.readStable(4092, 8)]).toEqual([0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11])
    const code = 1 + (1 + 5 + 1) + 3 + (3 + 5) + (3 + 5) + (2 + 2 + 1 + 2) + 0
    const calls = 100 + (20 + 8 + 2000) + (20 + 8)
    expect(outcome.instructionsUsed).toBe(BigInt(code + calls + 1000))
  })

  it('bounds: traps beyond either memory, never for size 0', () => {
    const run = (body: string): string | undefined => update(canister(imports, `(drop (call $grow (i64.const 1))) ${body}`), 'u').error?.message
    expect(run('(call $write (i64.const 65536) (i64.const 0) (i64.const 0))')).toBeUndefined()
    expect(run('(call $read (i64.const -1) (i64.const -1) (i64.const 0))')).toBeUndefined()
    expect(run('(call $write (i64.const 65535) (i64.const 0) (i64.const 2))')).toContain('stable memory out of bounds')
    expect(run('(call $write (i64.const 0) (i64.const 131071) (i64.const 2))')).toContain('heap out of bounds')
    expect(run('(call $read (i64.const 0) (i64.const -1) (i64.const 2))')).toContain('stable memory out of bounds')
    expect(run('(call $read (i64.const 131071) (i64.const 0) (i64.const 2))')).toContain('heap out of bounds')
  })

  it('growth: −1 beyond the maximum or the subnet, a trap for lack of cycles', () => {
    const grown = (pages: string, system: Partial<SystemView> = {}): ReturnType<typeof update> =>
      update(canister(imports, `(if (i64.ne (call $grow (i64.const ${pages})) (i64.const -1)) (then unreachable))`), 'u', { system })
    expect(grown('8192001').error).toBeNull()
    expect(grown('-1').error).toBeNull()
    expect(grown('2', { subnetMemoryAvailableBytes: 65_536n }).error).toBeNull()
    expect(grown('1', { checkGrowth: () => ({ code: 'IC0532', message: 'poor' }) }).error?.code).toBe('IC0532')
  })

  it('the 32-bit functions stop at 4 GiB', () => {
    const state = canister(imports, `(if (i32.ne (call $grow32 (i32.const 65537)) (i32.const -1)) (then unreachable)) (drop (call $grow (i64.const 65537)))`,
      '(func (export "canister_update v") (drop (call $size32)))')
    expect(update(state, 'u').error).toBeNull()
    expect(update(state, 'v').error?.message).toContain('32 bit stable memory api used on a memory larger than 4GB')
  })

  it('rolls back with the message', () => {
    const state = canister(imports, '(drop (call $grow (i64.const 1))) (call $write (i64.const 0) (i64.const 0) (i64.const 1))',
      '(data (i32.const 0) "A")(func (export "canister_update v") (drop (call $grow (i64.const 1))) (i32.store8 (i32.const 0) (i32.const 66)) (call $write (i64.const 0) (i64.const 0) (i64.const 1)) unreachable)')
    update(state, 'u')
    expect(update(state, 'v').error?.code).toBe('IC0502')
    expect(state.stableBytes).toBe(65_536)
    expect(state.readStable(0, 1)[0]).toBe(65)
    expect(state.readHeap(0, 1)[0]).toBe(65)
  })
})

describe('stable memory access limits', () => {
  const GIB_PAGES = 262_144
  /** Reads a byte of each of so many pages, writes one to each of so many after them, and again the same. */
  const module = (read: number, write: number): string => `(module
    (import "ic0" "stable64_grow" (func $grow (param i64) (result i64)))
    (import "ic0" "stable64_read" (func $read (param i64 i64 i64)))
    (import "ic0" "stable64_write" (func $write (param i64 i64 i64)))
    (memory 1)
    (func $pages (param $from i64) (param $to i64) (param $write i32)
      (block $done (loop $next
        (br_if $done (i64.ge_u (local.get $from) (local.get $to)))
        (if (local.get $write)
          (then (call $write (i64.mul (local.get $from) (i64.const 4096)) (i64.const 0) (i64.const 1)))
          (else (call $read (i64.const 0) (i64.mul (local.get $from) (i64.const 4096)) (i64.const 1))))
        (local.set $from (i64.add (local.get $from) (i64.const 1)))
        (br $next))))
    (func $twice
      (call $pages (i64.const 0) (i64.const ${read}) (i32.const 0))
      (call $pages (i64.const ${read}) (i64.const ${read + write}) (i32.const 1))
      (call $pages (i64.const 0) (i64.const ${read + write}) (i32.const 0)))
    (func (export "canister_init") (drop (call $grow (i64.const 200000))) (call $twice))
    (func (export "canister_update grow") (drop (call $grow (i64.const 200000))))
    (func (export "canister_update go") (call $twice))
    (func (export "canister_query go2") (call $twice)))`
  const run = (read: number, write: number, entry: EntryPoint): string | undefined => {
    const state = stateOf(module(read, write))
    if (entry.kind !== 'init') update(state, 'grow')
    const { error } = execute(state, entry, { instructionLimit: 100_000_000_000n })
    state.rollback()
    return error === null ? undefined : `${error.code} ${error.message}`
  }

  it.each([
    ['update', { kind: 'update', method: 'go' } as const, 2 * GIB_PAGES],
    ['query', { kind: 'query', method: 'go2' } as const, GIB_PAGES],
    ['init', { kind: 'init' } as const, 8 * GIB_PAGES],
  ])('%s: pages read and written count once each, up to the limit', (_, entry, limit) => {
    const written = 1000
    expect(run(limit - written, written, entry)).toBeUndefined()
    expect(run(limit - written + 1, written, entry)).toMatch(
      /^IC0524 Canister exceeded memory access limits: .* accessed pages .* limit 2097152 KB for regular messages, 8388608 KB for upgrade messages and 1048576 KB for queries/,
    )
  }, 60_000)
})
