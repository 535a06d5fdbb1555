// What the index was told at birth or by an upgrade: who may manage it besides its controllers, and how fast accounts
// may be made.

import { ByteReader, ByteWriter } from "../../../cdk/stable/bytes";
import { StableCell } from "../../../cdk/stable/cell";
import { stableMemory } from "../../../cdk/stable/memory-manager";
import { InitArgs } from "../../../generated/user_index/types";
import { SETTINGS } from "../memory";

const LAYOUT: u8 = 2;

/** A school signs up at once; more in the long run would be a machine. */
const BURST: u32 = 1_000;
const PER_HOUR: u32 = 360;

// Layout 1: u8 version · bytes governance (empty: controllers only)
// Layout 2: the same · u32 burst · u32 registrations per hour
export class Settings {
  governance: Uint8Array = new Uint8Array(0);
  burst: u32 = BURST;
  perHour: u32 = PER_HOUR;

  encode(w: ByteWriter): void {
    w.u8(LAYOUT);
    w.bytes(this.governance);
    w.u32(this.burst);
    w.u32(this.perHour);
  }

  decode(r: ByteReader): void {
    const layout = r.u8();
    assert(layout == 1 || layout == LAYOUT, "unknown layout of the settings");
    this.governance = r.bytes();
    if (layout == 1) return;
    this.burst = r.u32();
    this.perHour = r.u32();
  }
}

const cell = new StableCell<Settings>(stableMemory(SETTINGS), new Settings());

export function settings(): Settings {
  return cell.get();
}

/** Takes what the argument says; what it leaves open stays. */
export function applySettings(arg: InitArgs): void {
  const settings = cell.get();
  const governance = arg.governance;
  if (governance !== null) settings.governance = governance.bytes;
  const rate = arg.registrations;
  if (rate !== null) {
    settings.burst = rate.burst;
    settings.perHour = rate.per_hour;
  }
  cell.set(settings);
}
