// Who may manage the index besides its controllers.

import { ByteReader, ByteWriter } from "../../../cdk/stable/bytes";
import { StableCell } from "../../../cdk/stable/cell";
import { stableMemory } from "../../../cdk/stable/memory-manager";
import { SETTINGS } from "../memory";

const LAYOUT: u8 = 1;

// Layout 1: u8 version · bytes governance (empty: controllers only)
export class Settings {
  governance: Uint8Array = new Uint8Array(0);

  encode(w: ByteWriter): void {
    w.u8(LAYOUT);
    w.bytes(this.governance);
  }

  decode(r: ByteReader): void {
    assert(r.u8() == LAYOUT, "unknown layout of the settings");
    this.governance = r.bytes();
  }
}

const cell = new StableCell<Settings>(stableMemory(SETTINGS), new Settings());

export function settings(): Settings {
  return cell.get();
}

export function saveSettings(settings: Settings): void {
  cell.set(settings);
}
