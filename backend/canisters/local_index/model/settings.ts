// What the local index was told at birth, and what it has spent.

import { Principal } from "../../../cdk/principal/principal";
import { ByteReader, ByteWriter } from "../../../cdk/stable/bytes";
import { StableCell } from "../../../cdk/stable/cell";
import { stableMemory } from "../../../cdk/stable/memory-manager";
import { SETTINGS } from "../memory";

const LAYOUT: u8 = 1;

/** Kept for upgrades of all children, which must never fail for want of cycles. */
export const RESERVE_CYCLES: u64 = 10_000_000_000_000;

// Layout 1: u8 version · bytes user index · u32 pool target · u64 cycles topped up (in millions)
export class Settings {
  userIndex: Uint8Array = new Uint8Array(0);
  poolTarget: u32 = 0;
  toppedUpMillions: u64 = 0;

  encode(w: ByteWriter): void {
    w.u8(LAYOUT);
    w.bytes(this.userIndex);
    w.u32(this.poolTarget);
    w.u64(this.toppedUpMillions);
  }

  decode(r: ByteReader): void {
    assert(r.u8() == LAYOUT, "unknown layout of the settings");
    this.userIndex = r.bytes();
    this.poolTarget = r.u32();
    this.toppedUpMillions = r.u64();
  }
}

const cell = new StableCell<Settings>(stableMemory(SETTINGS), new Settings());
let cached: Settings | null = null;

/** The settings; change them and call `saveSettings`. */
export function settings(): Settings {
  let current = cached;
  if (current === null) {
    current = cell.get();
    cached = current;
  }
  return current;
}

export function saveSettings(): void {
  cell.set(settings());
}

export function userIndex(): Principal {
  return new Principal(settings().userIndex);
}
