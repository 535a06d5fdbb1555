/** Nat and Int behind numbers that a test can pass: two Candid nats or ints in, results out. */
import * as reader from "./reader";
import * as writer from "./writer";
import { openArgument, sendReply } from "./message";
import { Int, Nat, readInt, readNat, writeInt, writeNat } from "./nat";

/** (nat, nat) → (sum, product, larger − smaller, comparison as nat8) */
export function natArithmetic(): void {
  openArgument(memory.data<u8>([68, 73, 68, 76, 0, 2, 125, 125]), 8);
  const a = readNat();
  const b = readNat();
  reader.close();
  writer.begin(memory.data<u8>([68, 73, 68, 76, 0, 4, 125, 125, 125, 123]), 10);
  writeNat(a + b);
  writeNat(a * b);
  writeNat(a >= b ? a - b : b - a);
  writer.writeU8(a < b ? 0 : a == b ? 1 : 2);
  sendReply();
}

/** (nat, nat) → (quotient, remainder) */
export function natDivision(): void {
  openArgument(memory.data<u8>([68, 73, 68, 76, 0, 2, 125, 125]), 8);
  const a = readNat();
  const b = readNat();
  reader.close();
  writer.begin(memory.data<u8>([68, 73, 68, 76, 0, 2, 125, 125]), 8);
  writeNat(a / b);
  writeNat(a % b);
  sendReply();
}

/** (int, int) → (sum, difference, product, comparison as nat8) */
export function intArithmetic(): void {
  openArgument(memory.data<u8>([68, 73, 68, 76, 0, 2, 124, 124]), 8);
  const a = readInt();
  const b = readInt();
  reader.close();
  writer.begin(memory.data<u8>([68, 73, 68, 76, 0, 4, 124, 124, 124, 123]), 10);
  writeInt(a + b);
  writeInt(a - b);
  writeInt(a * b);
  writer.writeU8(a < b ? 0 : a == b ? 1 : 2);
  sendReply();
}

/** (nat) → (its digits, the nat that they parse to, its 128-bit halves when it fits) */
export function natText(): void {
  openArgument(memory.data<u8>([68, 73, 68, 76, 0, 1, 125]), 7);
  const a = readNat();
  reader.close();
  writer.begin(memory.data<u8>([68, 73, 68, 76, 0, 3, 113, 125, 125]), 9);
  const text = a.toString();
  writer.writeText(text);
  writeNat(Nat.parse(text)!);
  const small = Nat.compare(a, Nat.from128(u64.MAX_VALUE, u64.MAX_VALUE)) <= 0;
  writeNat(small ? Nat.from128(a.low, a.high64()) : a);
  sendReply();
}

/** (int) → (its digits, and itself once more by way of i64 when it fits) */
export function intText(): void {
  openArgument(memory.data<u8>([68, 73, 68, 76, 0, 1, 124]), 7);
  const a = readInt();
  reader.close();
  writer.begin(memory.data<u8>([68, 73, 68, 76, 0, 2, 113, 124]), 8);
  writer.writeText(a.toString());
  const fits = Int.compare(a, Int.from(i64.MIN_VALUE)) >= 0 && Int.compare(a, Int.from(i64.MAX_VALUE)) <= 0;
  writeInt(fits ? Int.from(a.toI64()) : a);
  sendReply();
}
