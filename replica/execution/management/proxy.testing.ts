/** Test support: a canister that makes the calls it is asked to, so that tests can call as a canister. */
import { Principal as WirePrincipal } from '@dfinity/principal';
import { expectReply, type CallOutcome } from '../../network/embed.ts';
import { fromText } from './test-modules.ts';

/**
 * `call`: argument = u8 length and bytes of the callee, u8 length and bytes of the method, 16 bytes of cycles (little
 * endian), payload. Answers 0, refund (16 bytes), reply; or 1, refund, reject code (1 byte), reject message.
 */
export const PROXY = fromText(`(module
  (import "ic0" "msg_arg_data_size" (func $arg_size (result i32)))
  (import "ic0" "msg_arg_data_copy" (func $arg_copy (param i32 i32 i32)))
  (import "ic0" "msg_reply_data_append" (func $append (param i32 i32)))
  (import "ic0" "msg_reply" (func $reply))
  (import "ic0" "msg_cycles_refunded128" (func $refunded (param i32)))
  (import "ic0" "msg_reject_code" (func $reject_code (result i32)))
  (import "ic0" "msg_reject_msg_size" (func $reject_size (result i32)))
  (import "ic0" "msg_reject_msg_copy" (func $reject_copy (param i32 i32 i32)))
  (import "ic0" "call_new" (func $call_new (param i32 i32 i32 i32 i32 i32 i32 i32)))
  (import "ic0" "call_data_append" (func $call_data (param i32 i32)))
  (import "ic0" "call_cycles_add128" (func $call_cycles (param i64 i64)))
  (import "ic0" "call_perform" (func $call_perform (result i32)))
  (memory (export "memory") 40)
  (table funcref (elem $on_reply $on_reject))
  (func $on_reply (param i32)
    (call $arg_copy (i32.const 64) (i32.const 0) (call $arg_size))
    (i32.store8 (i32.const 0) (i32.const 0))
    (call $refunded (i32.const 1))
    (call $append (i32.const 0) (i32.const 17))
    (call $append (i32.const 64) (call $arg_size))
    (call $reply))
  (func $on_reject (param i32)
    (call $reject_copy (i32.const 64) (i32.const 0) (call $reject_size))
    (i32.store8 (i32.const 0) (i32.const 1))
    (call $refunded (i32.const 1))
    (i32.store8 (i32.const 17) (call $reject_code))
    (call $append (i32.const 0) (i32.const 18))
    (call $append (i32.const 64) (call $reject_size))
    (call $reply))
  (func (export "canister_update call")
    (local $callee i32) (local $name i32) (local $cycles i32)
    (call $arg_copy (i32.const 64) (i32.const 0) (call $arg_size))
    (local.set $callee (i32.const 65))
    (local.set $name (i32.add (i32.const 66) (i32.load8_u (i32.const 64))))
    (local.set $cycles (i32.add (local.get $name) (i32.load8_u (i32.sub (local.get $name) (i32.const 1)))))
    (call $call_new
      (local.get $callee) (i32.load8_u (i32.const 64))
      (local.get $name) (i32.load8_u (i32.sub (local.get $name) (i32.const 1)))
      (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 0))
    (call $call_cycles (i64.load (i32.add (local.get $cycles) (i32.const 8))) (i64.load (local.get $cycles)))
    (call $call_data
      (i32.add (local.get $cycles) (i32.const 16))
      (i32.sub (i32.add (i32.const 64) (call $arg_size)) (i32.add (local.get $cycles) (i32.const 16))))
    (drop (call $call_perform)))
  (func (export "canister_update ping") (call $reply)))`);

export interface ProxyAnswer {
  readonly refund: bigint;
  readonly reply?: Uint8Array;
  readonly code?: number;
  readonly message?: string;
}

export function decodeAnswer(outcome: CallOutcome): ProxyAnswer {
  const bytes = Buffer.from(expectReply(outcome));
  const refund = bytes.readBigUInt64LE(1) | (bytes.readBigUInt64LE(9) << 64n);
  if (bytes[0] === 0) return { refund, reply: new Uint8Array(bytes.subarray(17)) };
  return { refund, code: bytes[17], message: bytes.subarray(18).toString() };
}

/** The argument of `call`. */
export function proxyArgument(callee: string, method: string, arg: Uint8Array, cycles: bigint): Uint8Array {
  const to = WirePrincipal.fromText(callee).toUint8Array();
  const amount = Buffer.alloc(16);
  amount.writeBigUInt64LE(cycles & (2n ** 64n - 1n), 0);
  amount.writeBigUInt64LE(cycles >> 64n, 8);
  return Uint8Array.from([to.length, ...to, method.length, ...Buffer.from(method), ...amount, ...arg]);
}
