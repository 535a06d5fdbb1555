// What the canister was told at birth: the subnets, in order of preference, and the rate.

import { Principal } from "../../../cdk/principal/principal";
import { ByteReader, ByteWriter } from "../../../cdk/stable/bytes";
import { StableCell } from "../../../cdk/stable/cell";
import { stableMemory } from "../../../cdk/stable/memory-manager";
import { SETTINGS } from "../memory";

const LAYOUT: u8 = 1;

// Layout 1: u8 version · u64 rate · u64 rate's time (seconds) · varint subnets { bytes }
export class Settings {
  rate: u64 = 0;
  rateSeconds: u64 = 0;
  subnets: Array<Principal> = [];

  encode(w: ByteWriter): void {
    w.u8(LAYOUT);
    w.u64(this.rate);
    w.u64(this.rateSeconds);
    w.varint(this.subnets.length);
    for (let i = 0; i < this.subnets.length; i++) w.bytes(this.subnets[i].bytes);
  }

  decode(r: ByteReader): void {
    assert(r.u8() == LAYOUT, "unknown layout of the settings");
    this.rate = r.u64();
    this.rateSeconds = r.u64();
    const count = <i32>r.varint();
    for (let i = 0; i < count; i++) this.subnets.push(new Principal(r.bytes()));
  }
}

const cell = new StableCell<Settings>(stableMemory(SETTINGS), new Settings());

export function settings(): Settings {
  return cell.get();
}

export function saveSettings(settings: Settings): void {
  cell.set(settings);
}
