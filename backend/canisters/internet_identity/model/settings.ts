// What the canister as a whole remembers: its number range, limits, and the salt of all principals.

import { StableCell } from "../../../cdk/stable/cell";
import { ByteReader, ByteWriter } from "../../../cdk/stable/bytes";
import { stableMemory } from "../../../cdk/stable/memory-manager";
import { SETTINGS } from "../memory";

/** The public service's first number; smaller ones were given out by hand once. */
const FIRST_NUMBER: u64 = 10_000;
/** Enough for anybody, and short to type. */
const END_OF_NUMBERS: u64 = 100_000_000;
/** One registration a second in the long run. */
const NANOS_PER_REGISTRATION: u64 = 1_000_000_000;
/** Registrations at once after a quiet time. */
const REGISTRATION_BURST: u64 = 1_000;

export class Settings {
  /** Numbers are given from here … */
  firstNumber: u64 = FIRST_NUMBER;
  /** … to below here. */
  endOfNumbers: u64 = END_OF_NUMBERS;
  nextNumber: u64 = FIRST_NUMBER;
  nanosPerRegistration: u64 = NANOS_PER_REGISTRATION;
  registrationBurst: u64 = REGISTRATION_BURST;
  relatedOrigins: Array<string> = [];
  /** 32 bytes, or none until drawn. Once drawn it never changes: every principal depends on it. */
  salt: Uint8Array = new Uint8Array(0);

  encode(w: ByteWriter): void {
    w.u8(1);
    w.u64(this.firstNumber);
    w.u64(this.endOfNumbers);
    w.u64(this.nextNumber);
    w.u64(this.nanosPerRegistration);
    w.u64(this.registrationBurst);
    w.varint(this.relatedOrigins.length);
    for (let i = 0; i < this.relatedOrigins.length; i++) w.text(this.relatedOrigins[i]);
    w.bytes(this.salt);
  }

  decode(r: ByteReader): void {
    assert(r.u8() == 1, "settings of an unknown version");
    this.firstNumber = r.u64();
    this.endOfNumbers = r.u64();
    this.nextNumber = r.u64();
    this.nanosPerRegistration = r.u64();
    this.registrationBurst = r.u64();
    for (let n = r.varint(); n > 0; n--) this.relatedOrigins.push(r.text());
    this.salt = r.bytes();
  }
}

let cell: StableCell<Settings> | null = null;
let cached: Settings | null = null;

/** The settings; after changing them call saveSettings. */
export function settings(): Settings {
  let known = cached;
  if (known == null) {
    const opened = new StableCell<Settings>(stableMemory(SETTINGS), new Settings());
    cell = opened;
    known = opened.get();
    cached = known;
  }
  return known;
}

export function saveSettings(): void {
  cell!.set(settings());
}
