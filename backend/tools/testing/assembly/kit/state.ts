import { print } from "../../../../cdk/api";
import { Call } from "../../../../cdk/calls";
import { Ack, Outbox } from "../../../../cdk/outbox/outbox";
import { Inbox } from "../../../../cdk/outbox/inbox";
import { Principal } from "../../../../cdk/principal/principal";
import { StableBTreeMap } from "../../../../cdk/stable/btree-map";
import { StableCell } from "../../../../cdk/stable/cell";
import { stableMemory } from "../../../../cdk/stable/memory-manager";
import * as kit from "../../../../generated/kit/client";
import { Batch } from "../../../../generated/kit/types";

export const greetingCell = new StableCell<string>(stableMemory(0), "");
export const texts = new StableBTreeMap<u32, string>(stableMemory(1));
export const inbox = new Inbox(stableMemory(2));

function send(destination: Principal, first: u64, envelopes: Array<Uint8Array>): Call {
  return kit.c2c_deliver(destination, new Batch(first, envelopes));
}
function acknowledged(destination: Principal): Ack { return Ack.upTo(kit.c2c_deliver_reply().next); }
function giveUp(destination: Principal, sequence: u64, envelope: Uint8Array, reason: string): void { print("gave up: " + reason); }

export const outbox = new Outbox(stableMemory(3), stableMemory(4), send, acknowledged, giveUp);
export const ticked: Array<string> = new Array<string>();
