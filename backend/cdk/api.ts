/**
 * What a handler may ask the system, in safe types. Every function here is one host call and a
 * copy. Times are nanoseconds since 1970-01-01. Functions that a given entry point does not
 * allow trap (Interface Specification, "Overview of imports").
 */
import * as ic0 from "./ic0";
import { Principal } from "./principal/principal";
import { utf8Into } from "./candid/writer";
import { textAt } from "./candid/reader";

/** Who sent this message: in a callback, the caller of the original call. */
export function caller(): Principal {
  const bytes = new Uint8Array(<i32>ic0.msg_caller_size());
  ic0.msg_caller_copy(bytes.dataStart, 0, bytes.byteLength);
  return new Principal(bytes);
}

/** This canister. */
export function self(): Principal {
  const bytes = new Uint8Array(<i32>ic0.canister_self_size());
  ic0.canister_self_copy(bytes.dataStart, 0, bytes.byteLength);
  return new Principal(bytes);
}

/** The subnet that hosts this canister. */
export function subnet(): Principal {
  const bytes = new Uint8Array(<i32>ic0.subnet_self_size());
  ic0.subnet_self_copy(bytes.dataStart, 0, bytes.byteLength);
  return new Principal(bytes);
}

/** Nanoseconds; the same during one message, never earlier than in an earlier message. */
export function time(): u64 { return ic0.time(); }

/** Milliseconds, for clients that count so. */
export function timeMillis(): u64 { return ic0.time() / 1_000_000; }

export function isController(principal: Principal): bool {
  return ic0.is_controller(principal.bytes.dataStart, principal.bytes.byteLength) != 0;
}

/** Writes a line to the canister's log, which controllers can read. */
export function print(text: string): void {
  const buffer = heap.alloc(<usize>text.length * 3 + 1);
  ic0.debug_print(buffer, utf8Into(changetype<usize>(text), <usize>text.length, buffer));
  heap.free(buffer);
}

/** Ends the message, undoes all its effects and rejects the call with `text`. Never returns. */
export function trap(text: string): void {
  const buffer = heap.alloc(<usize>text.length * 3 + 1);
  ic0.trap(buffer, utf8Into(changetype<usize>(text), <usize>text.length, buffer));
  unreachable();
}

/** Answers the call with a reject (code CANISTER_REJECT) but keeps the effects, unlike `trap`. */
export function reject(text: string): void {
  const buffer = heap.alloc(<usize>text.length * 3 + 1);
  ic0.msg_reject(buffer, utf8Into(changetype<usize>(text), <usize>text.length, buffer));
  heap.free(buffer);
}

/** Name of the method, in `inspect_message` only. */
export function methodName(): string {
  const size = ic0.msg_method_name_size();
  const buffer = heap.alloc(size + 1);
  ic0.msg_method_name_copy(buffer, 0, size);
  const text = textAt(buffer, size);
  heap.free(buffer);
  return text;
}

export function acceptMessage(): void { ic0.accept_message(); }

/** Nanoseconds by which a best-effort caller wants the answer; 0 = it waits for ever. */
export function deadline(): u64 { return ic0.msg_deadline(); }

/** True where state changes are kept: false in queries and inspect_message. */
export function isReplicated(): bool { return ic0.in_replicated_execution() != 0; }

export function canisterVersion(): u64 { return ic0.canister_version(); }

/** Instructions executed in this message so far. */
export function instructions(): u64 { return ic0.performance_counter(0); }

/** Instructions of all messages of this call context so far. */
export function callContextInstructions(): u64 { return ic0.performance_counter(1); }

const scratch: usize = memory.data(16, 8);

/** The 128-bit number in `scratch`, held down to 2^64 − 1: no canister owns that many cycles. */
function scratchCycles(): u64 {
  return load<u64>(scratch, 8) != 0 ? u64.MAX_VALUE : load<u64>(scratch);
}

/** Cycle amounts are u64 here; 2^64 − 1 stands for "that or more". */
export function cycleBalance(): u64 {
  ic0.canister_cycle_balance128(scratch);
  return scratchCycles();
}

/** What may be spent without freezing the canister. */
export function liquidCycleBalance(): u64 {
  ic0.canister_liquid_cycle_balance128(scratch);
  return scratchCycles();
}

/** Attached to this call and not yet accepted. */
export function cyclesAvailable(): u64 {
  ic0.msg_cycles_available128(scratch);
  return scratchCycles();
}

/** Takes up to `most` of the attached cycles; returns how many. The rest goes back to the caller. */
export function acceptCycles(most: u64): u64 {
  ic0.msg_cycles_accept128(0, most, scratch);
  return scratchCycles();
}

/** In a callback: what the callee did not accept. */
export function cyclesRefunded(): u64 {
  ic0.msg_cycles_refunded128(scratch);
  return scratchCycles();
}

export function burnCycles(amount: u64): u64 {
  ic0.cycles_burn128(0, amount, scratch);
  return scratchCycles();
}

/** Sets the canister's certified data (at most 32 bytes). */
export function setCertifiedData(bytes: Uint8Array): void {
  ic0.certified_data_set(bytes.dataStart, bytes.byteLength);
}

/** The certificate over the certified data, in a query called from outside; otherwise null. */
export function dataCertificate(): Uint8Array | null {
  if (ic0.data_certificate_present() == 0) return null;
  const bytes = new Uint8Array(<i32>ic0.data_certificate_size());
  ic0.data_certificate_copy(bytes.dataStart, 0, bytes.byteLength);
  return bytes;
}

/** DER form of the root subnet's key. Replicated messages only. */
export function rootKey(): Uint8Array {
  const bytes = new Uint8Array(<i32>ic0.root_key_size());
  ic0.root_key_copy(bytes.dataStart, 0, bytes.byteLength);
  return bytes;
}

/** The value of a canister environment variable, or null if there is none of that name. */
export function environmentVariable(name: string): string | null {
  const key = String.UTF8.encode(name);
  const keyPtr = changetype<usize>(key);
  if (ic0.env_var_name_exists(keyPtr, key.byteLength) == 0) return null;
  const size = ic0.env_var_value_size(keyPtr, key.byteLength);
  const buffer = heap.alloc(size + 1);
  ic0.env_var_value_copy(keyPtr, key.byteLength, buffer, 0, size);
  const text = textAt(buffer, size);
  heap.free(buffer);
  return text;
}
