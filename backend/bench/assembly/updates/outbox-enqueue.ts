import * as writer from "../../../cdk/candid/writer";
import { instructions } from "../../../cdk/api";
import { Call, startCall } from "../../../cdk/calls";
import { Ack, Outbox } from "../../../cdk/outbox/outbox";
import { Principal } from "../../../cdk/principal/principal";
import { stableMemory } from "../../../cdk/stable/memory-manager";

function send(destination: Principal, first: u64, envelopes: Array<Uint8Array>): Call {
  writer.begin(0, 0);
  return startCall(destination, memory.data<u8>([120]), 1);
}
function acknowledged(destination: Principal): Ack { return Ack.upTo(0); }
function giveUp(destination: Principal, sequence: u64, envelope: Uint8Array, reason: string): void {}

const outbox = new Outbox(stableMemory(4), stableMemory(5), send, acknowledged, giveUp);

export function outbox_enqueue(bytes: u32, n: u32): u64 {
  const destination = new Principal(new Uint8Array(10).fill(9));
  const envelope = new Uint8Array(bytes).fill(3);
  const before = instructions();
  for (let i: u32 = 0; i < n; i++) outbox.enqueue(destination, envelope);
  return instructions() - before;
}
