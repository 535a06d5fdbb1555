/**
 * The canister of this folder's suite: a counter that can be asked, trap, call others and make
 * HTTP outcalls. Replies are Candid where the suite uses an actor, else raw bytes.
 */
import { encodeReply } from '../execution/management/candid-codec.ts';
import * as candid from '../execution/management/candid-types.ts';
import { fromText } from '../execution/management/test-modules.ts';

/** What the transform makes of every response. */
export const TRANSFORMED_STATUS = 299n;

function data(bytes: Uint8Array): string {
  return `"${[...bytes].map((byte) => `\\${byte.toString(16).padStart(2, '0')}`).join('')}"`;
}

export function testCanister(): Uint8Array {
  const transformed = encodeReply(candid.HttpResponse, {
    status: TRANSFORMED_STATUS,
    headers: [],
    body: new Uint8Array(0),
  });
  return fromText(`(module
    (import "ic0" "msg_arg_data_size" (func $arg_size (result i32)))
    (import "ic0" "msg_arg_data_copy" (func $arg_copy (param i32 i32 i32)))
    (import "ic0" "msg_caller_size" (func $caller_size (result i32)))
    (import "ic0" "msg_caller_copy" (func $caller_copy (param i32 i32 i32)))
    (import "ic0" "msg_caller_info_data_size" (func $info_size (result i32)))
    (import "ic0" "msg_caller_info_data_copy" (func $info_copy (param i32 i32 i32)))
    (import "ic0" "msg_reject_msg_size" (func $reject_size (result i32)))
    (import "ic0" "msg_reject_msg_copy" (func $reject_copy (param i32 i32 i32)))
    (import "ic0" "msg_reply_data_append" (func $append (param i32 i32)))
    (import "ic0" "msg_reply" (func $reply))
    (import "ic0" "msg_reject" (func $reject (param i32 i32)))
    (import "ic0" "call_new" (func $call_new (param i32 i32 i32 i32 i32 i32 i32 i32)))
    (import "ic0" "call_data_append" (func $call_data (param i32 i32)))
    (import "ic0" "call_cycles_add128" (func $call_cycles (param i64 i64)))
    (import "ic0" "call_perform" (func $call_perform (result i32)))
    (import "ic0" "time" (func $time (result i64)))
    (import "ic0" "trap" (func $trap (param i32 i32)))
    (import "ic0" "debug_print" (func $print (param i32 i32)))
    (import "ic0" "stable64_grow" (func $stable_grow (param i64) (result i64)))
    (memory (export "memory") 8)
    (table funcref (elem $on_reply $on_reject $on_reject_text))
    (data (i32.const 0) "DIDL\\00\\01\\78")
    (data (i32.const 32) "DIDL\\00\\01\\71")
    (data (i32.const 64) "http_request")
    (data (i32.const 96) "inc")
    (data (i32.const 112) "on purpose")
    (data (i32.const 128) "ready")
    (data (i32.const 1024) ${data(transformed)})
    (global $count (mut i64) (i64.const 0))
    (func $reply_nat64 (param $value i64)
      (i64.store (i32.const 7) (local.get $value))
      (call $append (i32.const 0) (i32.const 15))
      (call $reply))
    (func $read_arg (result i32)
      (call $arg_copy (i32.const 4096) (i32.const 0) (call $arg_size))
      (call $arg_size))
    (func $on_reply (param i32)
      (drop (call $read_arg))
      (call $append (i32.const 4096) (call $arg_size))
      (call $reply))
    (func $on_reject (param i32)
      (call $reject_copy (i32.const 4096) (i32.const 0) (call $reject_size))
      (call $reject (i32.const 4096) (call $reject_size)))
    ;; Candid text: the length as a LEB128 of two bytes.
    (func $on_reject_text (param i32)
      (i32.store8 (i32.const 39) (i32.or (i32.const 128) (i32.and (i32.const 127) (call $reject_size))))
      (i32.store8 (i32.const 40) (i32.shr_u (call $reject_size) (i32.const 7)))
      (call $reject_copy (i32.const 4096) (i32.const 0) (call $reject_size))
      (call $append (i32.const 32) (i32.const 9))
      (call $append (i32.const 4096) (call $reject_size))
      (call $reply))
    (func (export "canister_init")
      (if (i32.ge_u (call $read_arg) (i32.const 1))
        (then (global.set $count (i64.load8_u (i32.const 4096)))))
      (call $print (i32.const 128) (i32.const 5)))
    (func (export "canister_post_upgrade") (global.set $count (i64.const 1000)))
    (func (export "canister_query get") (call $reply_nat64 (global.get $count)))
    (func (export "canister_composite_query composite") (call $reply_nat64 (global.get $count)))
    (func (export "canister_query time") (call $reply_nat64 (call $time)))
    (func (export "canister_update inc")
      (global.set $count (i64.add (global.get $count) (i64.const 1)))
      (call $reply_nat64 (global.get $count)))
    (func (export "canister_update trap") (call $trap (i32.const 112) (i32.const 10)))
    (func (export "canister_update grow") (drop (call $stable_grow (i64.const 1))) (call $reply_nat64 (i64.const 0)))
    (func (export "canister_query who")
      (call $caller_copy (i32.const 4096) (i32.const 0) (call $caller_size))
      (call $append (i32.const 4096) (call $caller_size))
      (call $reply))
    (func (export "canister_query caller_info")
      (call $info_copy (i32.const 4096) (i32.const 0) (call $info_size))
      (call $append (i32.const 4096) (call $info_size))
      (call $reply))
    (func (export "canister_query transform")
      (call $append (i32.const 1024) (i32.const ${transformed.length}))
      (call $reply))
    (func (export "canister_update outcall") (call $outcall (i32.const 1)))
    (func (export "canister_update outcall_error") (call $outcall (i32.const 2)))
    (func $outcall (param $on_reject i32)
      (drop (call $read_arg))
      (call $call_new (i32.const 0) (i32.const 0) (i32.const 64) (i32.const 12)
        (i32.const 0) (i32.const 0) (local.get $on_reject) (i32.const 0))
      (call $call_data (i32.const 4096) (call $arg_size))
      (call $call_cycles (i64.const 0) (i64.const 100000000000))
      (drop (call $call_perform)))
    (func (export "canister_update inc_at")
      (drop (call $read_arg))
      (call $call_new (i32.const 4096) (call $arg_size) (i32.const 96) (i32.const 3)
        (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 0))
      (drop (call $call_perform))))`);
}
