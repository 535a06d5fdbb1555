// Keys that may act for an identity for a short while after it was registered with them: so that one touch of
// the passkey is enough. On the heap, bounded, and bound to the device registered with them.

import { Principal } from "../../../cdk/principal/principal";
import { Anchor } from "./anchor";

/** How long such a key lasts. */
const LIFETIME_NANOS: u64 = 600_000_000_000;
/** The rate limit lets about 600 come in ten minutes, and a burst; beyond this the oldest go first. */
const MAX_KEYS: i32 = 4096;

class TemporaryKey {
  constructor(
    readonly principal: string,
    readonly anchor: u64,
    readonly deviceKey: Uint8Array,
    readonly expiry: u64,
  ) {}
}

const keys = new Map<string, TemporaryKey>();
/** In order of their making, which is that of their expiry. */
let order: Array<string> = [];

function dropOldest(nowNanos: u64): void {
  let gone = 0;
  while (gone < order.length) {
    const name = order[gone];
    if (keys.has(name)) {
      if (keys.get(name).expiry > nowNanos && order.length - gone < MAX_KEYS) break;
      keys.delete(name);
    }
    gone++;
  }
  if (gone > 0) order = order.slice(gone);
}

/** Lets `principal` act for the anchor as if it were the device with this key. */
export function allowTemporarily(principal: Principal, anchor: Anchor, deviceKey: Uint8Array, nowNanos: u64): void {
  dropOldest(nowNanos);
  const name = principal.toText();
  keys.set(name, new TemporaryKey(name, anchor.number, deviceKey, nowNanos + LIFETIME_NANOS));
  order.push(name);
}

/** Index of the device for which `principal` may act now, or -1. Gone with the device. */
export function temporaryDevice(principal: Principal, anchor: Anchor, nowNanos: u64): i32 {
  if (keys.size == 0) return -1;
  const name = principal.toText();
  if (!keys.has(name)) return -1;
  const key = keys.get(name);
  if (key.anchor != anchor.number || key.expiry <= nowNanos) return -1;
  return anchor.indexOf(key.deviceKey);
}
