/** A canister reduced to its outbox, driven by outbox.test.ts. */
import * as ic0 from "../ic0";
import * as writer from "../candid/writer";
import { upgraded, finish } from "../entry";
import { Call, startCall } from "../calls";
import { Principal } from "../principal/principal";
import { stableMemory } from "../stable/memory-manager";
import { Outbox, Ack } from "./outbox";
export { fireTimers, runTimer } from "../timers";

/** Batch on the wire: first u64, then each envelope's length as u32 and its bytes. Answer: next u64, or u64.MAX to refuse, or nothing to trap. */
function send(destination: Principal, first: u64, envelopes: Array<Uint8Array>): Call {
  writer.begin(0, 0);
  writer.writeU64(first);
  for (let i = 0; i < envelopes.length; i++) {
    writer.writeU32(envelopes[i].byteLength);
    writer.writeRaw(envelopes[i].dataStart, envelopes[i].byteLength);
  }
  return startCall(destination, memory.data<u8>([100]), 1);
}

function acknowledged(destination: Principal): Ack {
  assert(ic0.msg_arg_data_size() == 8, "bad answer");
  const p = heap.alloc(8);
  ic0.msg_arg_data_copy(p, 0, 8);
  const next = load<u64>(p);
  return next == u64.MAX_VALUE ? Ack.refused("refused") : Ack.upTo(next);
}

let givenUp: u32 = 0;
function giveUp(destination: Principal, sequence: u64, envelope: Uint8Array, reason: string): void { givenUp++; }

const outbox = new Outbox(stableMemory(1), stableMemory(2), send, acknowledged, giveUp, 1000);

function destination(n: u8): Principal {
  const bytes = new Uint8Array(10);
  bytes[0] = n;
  return new Principal(bytes);
}

/** Puts `count` envelopes of `size` bytes in; each begins with its sequence. */
export function put(n: u8, count: u32, size: u32): u32 {
  let taken: u32 = 0;
  for (let i: u32 = 0; i < count; i++) {
    const bytes = new Uint8Array(max(size, 8));
    store<u64>(bytes.dataStart, outbox.nextSequence(destination(n)));
    if (outbox.enqueue(destination(n), bytes)) taken++;
  }
  finish();
  return taken;
}
export function putOnly(n: u8, size: u32): void { outbox.enqueue(destination(n), new Uint8Array(size)); }
export function waiting(n: u8): u32 { return outbox.waiting(destination(n)); }
export function deadLetters(): u64 { return outbox.deadLetters; }
export function reported(): u32 { return givenUp; }
export function postUpgrade(): void {
  upgraded();
  finish();
}
export function collect(): void { __collect(); }
