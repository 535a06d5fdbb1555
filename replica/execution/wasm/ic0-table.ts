/**
 * Every function of the System API: type, contexts in which it may be called, fixed instruction overhead.
 *
 * Source: Interface Spec, "Overview of imports"; overheads of the Internet Computer's replica.
 * Types: `i` = i32, `l` = i64, `I` = address type of the module's memory (i32 when it has none).
 */
import type { EntryKind } from './types.ts'

/** Context letters of the spec. */
export type ContextCode =
  | 's' | 'I' | 'G' | 'U' | 'RQ' | 'NRQ' | 'TQ' | 'CQ' | 'Ry' | 'Rt' | 'C' | 'CRy' | 'CRt' | 'CC' | 'F' | 'T' // prettier-ignore

export const CONTEXT_OF_ENTRY: Record<EntryKind, ContextCode> = {
  start: 's',
  init: 'I',
  postUpgrade: 'I',
  preUpgrade: 'G',
  update: 'U',
  replicatedQuery: 'RQ',
  query: 'NRQ',
  transform: 'TQ',
  compositeQuery: 'CQ',
  replyCallback: 'Ry',
  rejectCallback: 'Rt',
  cleanupCallback: 'C',
  compositeReplyCallback: 'CRy',
  compositeRejectCallback: 'CRt',
  compositeCleanupCallback: 'CC',
  inspectMessage: 'F',
  heartbeat: 'T',
  globalTimer: 'T',
  lowWasmMemory: 'T',
}

/** How an entry point is named in `cannot be executed in <mode> mode`. */
export const MODE_NAME: Record<EntryKind, string> = {
  start: 'start',
  init: 'init',
  postUpgrade: 'init',
  preUpgrade: 'pre upgrade',
  update: 'update',
  replicatedQuery: 'replicated query',
  query: 'non replicated query',
  transform: 'non replicated query',
  compositeQuery: 'composite query',
  replyCallback: 'reply callback',
  rejectCallback: 'reject callback',
  cleanupCallback: 'cleanup',
  compositeReplyCallback: 'composite reply callback',
  compositeRejectCallback: 'composite reject callback',
  compositeCleanupCallback: 'composite cleanup',
  inspectMessage: 'inspect message',
  heartbeat: 'heartbeat',
  globalTimer: 'global timer',
  lowWasmMemory: 'on low Wasm memory',
}

const ALL_BUT_START = 'I G U RQ NRQ TQ CQ Ry Rt CRy CRt C CC F T'
const ALL = `${ALL_BUT_START} s`
const RESPONDING = 'U RQ NRQ TQ CQ Ry Rt CRy CRt'
const CALLING = 'U CQ Ry Rt CRy CRt T'
const CALLER_INFO = 'U RQ NRQ CQ Ry Rt CRy CRt C CC F'
const ARGUMENT = 'I U RQ NRQ TQ CQ Ry CRy F'
const ACCEPTING = 'U RQ Ry Rt'
const ROOT_KEY = 'I G U RQ Ry Rt C T'

export interface SystemCall {
  readonly name: string
  readonly params: string
  readonly result: string
  readonly contexts: ReadonlySet<ContextCode>
  /** Instructions charged before it runs, beside its `call`. */
  readonly overhead: number
  /** Importable only with a 32-bit memory (or none). */
  readonly only32: boolean
}

function call(name: string, params: string, result: string, contexts: string, overhead = 500, only32 = false): SystemCall {
  return { name, params, result, contexts: new Set(contexts.split(' ') as ContextCode[]), overhead, only32 }
}

const CALLS: readonly SystemCall[] = [
  call('msg_arg_data_size', '', 'I', ARGUMENT),
  call('msg_arg_data_copy', 'III', '', ARGUMENT),
  call('msg_caller_size', '', 'I', ALL_BUT_START),
  call('msg_caller_copy', 'III', '', ALL_BUT_START),
  call('msg_caller_info_data_size', '', 'I', CALLER_INFO),
  call('msg_caller_info_data_copy', 'III', '', CALLER_INFO),
  call('msg_caller_info_signer_size', '', 'I', CALLER_INFO),
  call('msg_caller_info_signer_copy', 'III', '', CALLER_INFO),
  call('msg_reject_code', '', 'i', 'Ry Rt CRy CRt C'),
  call('msg_reject_msg_size', '', 'I', 'Rt CRt'),
  call('msg_reject_msg_copy', 'III', '', 'Rt CRt'),
  call('msg_deadline', '', 'l', RESPONDING),
  call('msg_reply_data_append', 'II', '', RESPONDING),
  call('msg_reply', '', '', RESPONDING),
  call('msg_reject', 'II', '', RESPONDING),
  call('msg_cycles_available128', 'I', '', ACCEPTING),
  call('msg_cycles_refunded128', 'I', '', 'Ry Rt'),
  call('msg_cycles_accept128', 'llI', '', ACCEPTING),
  call('cycles_burn128', 'llI', '', 'I G U RQ Ry Rt C T'),
  call('canister_self_size', '', 'I', ALL_BUT_START),
  call('canister_self_copy', 'III', '', ALL_BUT_START),
  call('canister_cycle_balance128', 'I', '', ALL_BUT_START),
  call('canister_liquid_cycle_balance128', 'I', '', ALL_BUT_START),
  call('canister_status', '', 'i', ALL_BUT_START),
  call('canister_version', '', 'l', ALL_BUT_START),
  call('subnet_self_size', '', 'I', ALL_BUT_START),
  call('subnet_self_copy', 'III', '', ALL_BUT_START),
  call('subnet_self_node_count', '', 'i', ALL_BUT_START),
  call('msg_method_name_size', '', 'I', 'F'),
  call('msg_method_name_copy', 'III', '', 'F'),
  call('accept_message', '', '', 'F'),
  call('call_new', 'IIIIIIII', '', CALLING, 1500),
  call('call_on_cleanup', 'II', '', CALLING),
  call('call_data_append', 'II', '', CALLING),
  call('call_with_best_effort_response', 'i', '', CALLING),
  call('call_cycles_add128', 'll', '', 'U Ry Rt T'),
  call('call_perform', '', 'i', CALLING, 5000),
  call('stable64_size', '', 'l', ALL, 0),
  call('stable64_grow', 'l', 'l', ALL, 100),
  call('stable64_write', 'lll', '', ALL, 20),
  call('stable64_read', 'lll', '', ALL, 20),
  call('root_key_size', '', 'I', ROOT_KEY),
  call('root_key_copy', 'III', '', ROOT_KEY),
  call('certified_data_set', 'II', '', 'I G U Ry Rt T'),
  call('data_certificate_present', '', 'i', ALL_BUT_START),
  call('data_certificate_size', '', 'I', 'NRQ CQ'),
  call('data_certificate_copy', 'III', '', 'NRQ CQ'),
  call('time', '', 'l', ALL_BUT_START),
  call('global_timer_set', 'l', 'l', 'I G U Ry Rt C T'),
  call('performance_counter', 'i', 'l', ALL, 200),
  call('is_controller', 'II', 'i', ALL, 1000),
  call('in_replicated_execution', '', 'i', ALL),
  call('cost_call', 'llI', '', ALL),
  call('cost_create_canister', 'I', '', ALL),
  call('cost_http_request', 'llI', '', ALL),
  call('cost_http_request_v2', 'III', '', ALL, 10_000),
  call('cost_sign_with_ecdsa', 'IIiI', 'i', ALL),
  call('cost_sign_with_schnorr', 'IIiI', 'i', ALL),
  call('cost_vetkd_derive_key', 'IIiI', 'i', ALL),
  call('env_var_count', '', 'I', ALL_BUT_START),
  call('env_var_name_size', 'I', 'I', ALL_BUT_START),
  call('env_var_name_copy', 'IIII', '', ALL_BUT_START),
  call('env_var_name_exists', 'II', 'i', ALL_BUT_START),
  call('env_var_value_size', 'II', 'I', ALL_BUT_START),
  call('env_var_value_copy', 'IIIII', '', ALL_BUT_START),
  call('debug_print', 'II', '', ALL, 100),
  call('trap', 'II', '', ALL),
  call('mint_cycles128', 'llI', '', 'U Ry Rt T', 0),
  call('msg_cycles_available', '', 'l', ACCEPTING, 500, true),
  call('msg_cycles_refunded', '', 'l', 'Ry Rt', 500, true),
  call('msg_cycles_accept', 'l', 'l', ACCEPTING, 500, true),
  call('canister_cycle_balance', '', 'l', ALL_BUT_START, 500, true),
  call('call_cycles_add', 'l', '', 'U Ry Rt T', 500, true),
  call('stable_size', '', 'i', ALL, 0, true),
  call('stable_grow', 'i', 'i', ALL, 100, true),
  call('stable_write', 'iii', '', ALL, 20, true),
  call('stable_read', 'iii', '', ALL, 20, true),
]

export const SYSTEM_CALLS: ReadonlyMap<string, SystemCall> = new Map(CALLS.map((c) => [c.name, c]))
