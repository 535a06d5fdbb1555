// RIPEMD-160 (Dobbertin, Bosselaers, Preneel, 1996), as Bitcoin addresses use it.

/** Order of message words, left line (A.1 of the paper, r). */
const R_LEFT: usize = memory.data<u8>([
  0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 7, 4, 13, 1, 10, 6, 15, 3, 12, 0, 9, 5, 2, 14, 11, 8, 3, 10, 14, 4, 9, 15,
  8, 1, 2, 7, 0, 6, 13, 11, 5, 12, 1, 9, 11, 10, 0, 8, 12, 4, 13, 3, 7, 15, 14, 5, 6, 2, 4, 0, 5, 9, 7, 12, 2, 10, 14, 1, 3, 8, 11,
  6, 15, 13,
]);
/** Order of message words, right line (r'). */
const R_RIGHT: usize = memory.data<u8>([
  5, 14, 7, 0, 9, 2, 11, 4, 13, 6, 15, 8, 1, 10, 3, 12, 6, 11, 3, 7, 0, 13, 5, 10, 14, 15, 8, 12, 4, 9, 1, 2, 15, 5, 1, 3, 7, 14, 6,
  9, 11, 8, 12, 2, 10, 0, 4, 13, 8, 6, 4, 1, 3, 11, 15, 0, 5, 12, 2, 13, 9, 7, 10, 14, 12, 15, 10, 4, 1, 5, 8, 7, 6, 2, 13, 14, 0, 3,
  9, 11,
]);
/** Rotations, left line (s). */
const S_LEFT: usize = memory.data<u8>([
  11, 14, 15, 12, 5, 8, 7, 9, 11, 13, 14, 15, 6, 7, 9, 8, 7, 6, 8, 13, 11, 9, 7, 15, 7, 12, 15, 9, 11, 7, 13, 12, 11, 13, 6, 7, 14, 9,
  13, 15, 14, 8, 13, 6, 5, 12, 7, 5, 11, 12, 14, 15, 14, 15, 9, 8, 9, 14, 5, 6, 8, 6, 5, 12, 9, 15, 5, 11, 6, 8, 13, 12, 5, 12, 13, 14,
  11, 8, 5, 6,
]);
/** Rotations, right line (s'). */
const S_RIGHT: usize = memory.data<u8>([
  8, 9, 9, 11, 13, 15, 15, 5, 7, 7, 8, 11, 14, 14, 12, 6, 9, 13, 15, 7, 12, 8, 9, 11, 7, 7, 12, 7, 6, 15, 13, 11, 9, 7, 15, 11, 8, 6,
  6, 14, 12, 13, 5, 14, 13, 13, 7, 5, 15, 5, 8, 11, 14, 14, 6, 14, 6, 9, 12, 9, 12, 5, 15, 8, 8, 5, 12, 9, 12, 5, 14, 6, 8, 13, 6, 5,
  15, 13, 11, 11,
]);
const K_LEFT: usize = memory.data<u32>([0, 0x5a827999, 0x6ed9eba1, 0x8f1bbcdc, 0xa953fd4e]);
const K_RIGHT: usize = memory.data<u32>([0x50a28be6, 0x5c4dd124, 0x6d703ef3, 0x7a6d76e9, 0]);

/** The boolean function of round 0 … 4. */
function mix(round: u32, x: u32, y: u32, z: u32): u32 {
  switch (round) {
    case 0:
      return x ^ y ^ z;
    case 1:
      return (x & y) | (~x & z);
    case 2:
      return (x | ~y) ^ z;
    case 3:
      return (x & z) | (y & ~z);
    default:
      return x ^ (y | ~z);
  }
}

function compress(state: usize, block: usize): void {
  let a = load<u32>(state);
  let b = load<u32>(state, 4);
  let c = load<u32>(state, 8);
  let d = load<u32>(state, 12);
  let e = load<u32>(state, 16);
  let a2 = a;
  let b2 = b;
  let c2 = c;
  let d2 = d;
  let e2 = e;
  for (let j: u32 = 0; j < 80; j++) {
    const round = j >> 4;
    let t = a + mix(round, b, c, d) + load<u32>(block + (<usize>load<u8>(R_LEFT + j) << 2)) + load<u32>(K_LEFT + (round << 2));
    t = rotl<u32>(t, load<u8>(S_LEFT + j)) + e;
    a = e;
    e = d;
    d = rotl<u32>(c, 10);
    c = b;
    b = t;
    t = a2 + mix(4 - round, b2, c2, d2) + load<u32>(block + (<usize>load<u8>(R_RIGHT + j) << 2)) + load<u32>(K_RIGHT + (round << 2));
    t = rotl<u32>(t, load<u8>(S_RIGHT + j)) + e2;
    a2 = e2;
    e2 = d2;
    d2 = rotl<u32>(c2, 10);
    c2 = b2;
    b2 = t;
  }
  const t = load<u32>(state, 4) + c + d2;
  store<u32>(state, load<u32>(state, 8) + d + e2, 4);
  store<u32>(state, load<u32>(state, 12) + e + a2, 8);
  store<u32>(state, load<u32>(state, 16) + a + b2, 12);
  store<u32>(state, load<u32>(state) + b + c2, 16);
  store<u32>(state, t);
}

/** 20 bytes. */
export function ripemd160(data: Uint8Array): Uint8Array {
  const out = new Uint8Array(20);
  const state = out.dataStart;
  store<u64>(state, 0xefcdab8967452301);
  store<u64>(state, 0x1032547698badcfe, 8);
  store<u32>(state, 0xc3d2e1f0, 16);
  const len = <u32>data.length;
  const whole = len & ~63;
  for (let i: u32 = 0; i < whole; i += 64) compress(state, data.dataStart + i);
  const rest = len & 63;
  const tail = new Uint8Array(128);
  memory.copy(tail.dataStart, data.dataStart + whole, rest);
  store<u8>(tail.dataStart + rest, 0x80);
  const end: u32 = rest < 56 ? 64 : 128;
  store<u64>(tail.dataStart + end - 8, <u64>len << 3);
  for (let i: u32 = 0; i < end; i += 64) compress(state, tail.dataStart + i);
  return out;
}
