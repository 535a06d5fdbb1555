// SHA-256 and SHA-224 (FIPS 180-4).

/** First 32 bits of the fractional parts of the cube roots of the first 64 primes (4.2.2). */
const K: usize = memory.data<u32>([
  0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01,
  0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc,
  0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147,
  0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
  0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08,
  0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208,
  0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
]);

/** Message schedule of the block at hand. */
const W: usize = memory.data(256, 16);

// @ts-ignore: decorator
@inline function bigSigma0(x: u32): u32 {
  return rotr<u32>(x, 2) ^ rotr<u32>(x, 13) ^ rotr<u32>(x, 22);
}
// @ts-ignore: decorator
@inline function bigSigma1(x: u32): u32 {
  return rotr<u32>(x, 6) ^ rotr<u32>(x, 11) ^ rotr<u32>(x, 25);
}
// @ts-ignore: decorator
@inline function sigma0(x: u32): u32 {
  return rotr<u32>(x, 7) ^ rotr<u32>(x, 18) ^ (x >> 3);
}
// @ts-ignore: decorator
@inline function sigma1(x: u32): u32 {
  return rotr<u32>(x, 17) ^ rotr<u32>(x, 19) ^ (x >> 10);
}
// @ts-ignore: decorator
@inline function choose(x: u32, y: u32, z: u32): u32 {
  return ((y ^ z) & x) ^ z;
}
// @ts-ignore: decorator
@inline function majority(x: u32, y: u32, z: u32): u32 {
  return (x & y) | ((x | y) & z);
}

/** Big-endian word. */
// @ts-ignore: decorator
@inline function wordAt(ptr: usize): u32 {
  const x = load<u32>(ptr);
  return (rotl<u32>(x, 8) & 0x00ff00ff) | (rotr<u32>(x, 8) & 0xff00ff00);
}

/** Works `blocks` blocks of 64 bytes at `ptr` into the eight words at `state`. */
function compress(state: usize, ptr: usize, blocks: u32): void {
  let h0 = load<u32>(state);
  let h1 = load<u32>(state, 4);
  let h2 = load<u32>(state, 8);
  let h3 = load<u32>(state, 12);
  let h4 = load<u32>(state, 16);
  let h5 = load<u32>(state, 20);
  let h6 = load<u32>(state, 24);
  let h7 = load<u32>(state, 28);
  while (blocks-- > 0) {
    for (let t: usize = 0; t < 64; t += 16) {
      store<u32>(W + t, wordAt(ptr + t));
      store<u32>(W + t, wordAt(ptr + t + 4), 4);
      store<u32>(W + t, wordAt(ptr + t + 8), 8);
      store<u32>(W + t, wordAt(ptr + t + 12), 12);
    }
    ptr += 64;
    // Two words a turn: each needs the word two back, so the pair is independent of itself.
    for (let t: usize = W; t < W + 192; t += 8) {
      store<u32>(t, sigma1(load<u32>(t, 56)) + load<u32>(t, 36) + sigma0(load<u32>(t, 4)) + load<u32>(t), 64);
      store<u32>(t, sigma1(load<u32>(t, 60)) + load<u32>(t, 40) + sigma0(load<u32>(t, 8)) + load<u32>(t, 4), 68);
    }
    let a = h0;
    let b = h1;
    let c = h2;
    let d = h3;
    let e = h4;
    let f = h5;
    let g = h6;
    let h = h7;
    // Eight rounds a turn, so that the eight variables change roles instead of places.
    for (let t: usize = 0; t < 256; t += 32) {
      let s: u32;
      s = h + bigSigma1(e) + choose(e, f, g) + load<u32>(K + t) + load<u32>(W + t);
      d += s;
      h = s + bigSigma0(a) + majority(a, b, c);
      s = g + bigSigma1(d) + choose(d, e, f) + load<u32>(K + t, 4) + load<u32>(W + t, 4);
      c += s;
      g = s + bigSigma0(h) + majority(h, a, b);
      s = f + bigSigma1(c) + choose(c, d, e) + load<u32>(K + t, 8) + load<u32>(W + t, 8);
      b += s;
      f = s + bigSigma0(g) + majority(g, h, a);
      s = e + bigSigma1(b) + choose(b, c, d) + load<u32>(K + t, 12) + load<u32>(W + t, 12);
      a += s;
      e = s + bigSigma0(f) + majority(f, g, h);
      s = d + bigSigma1(a) + choose(a, b, c) + load<u32>(K + t, 16) + load<u32>(W + t, 16);
      h += s;
      d = s + bigSigma0(e) + majority(e, f, g);
      s = c + bigSigma1(h) + choose(h, a, b) + load<u32>(K + t, 20) + load<u32>(W + t, 20);
      g += s;
      c = s + bigSigma0(d) + majority(d, e, f);
      s = b + bigSigma1(g) + choose(g, h, a) + load<u32>(K + t, 24) + load<u32>(W + t, 24);
      f += s;
      b = s + bigSigma0(c) + majority(c, d, e);
      s = a + bigSigma1(f) + choose(f, g, h) + load<u32>(K + t, 28) + load<u32>(W + t, 28);
      e += s;
      a = s + bigSigma0(b) + majority(b, c, d);
    }
    h0 += a;
    h1 += b;
    h2 += c;
    h3 += d;
    h4 += e;
    h5 += f;
    h6 += g;
    h7 += h;
  }
  store<u32>(state, h0);
  store<u32>(state, h1, 4);
  store<u32>(state, h2, 8);
  store<u32>(state, h3, 12);
  store<u32>(state, h4, 16);
  store<u32>(state, h5, 20);
  store<u32>(state, h6, 24);
  store<u32>(state, h7, 28);
}

function start256(state: usize): void {
  store<u64>(state, 0xbb67ae856a09e667);
  store<u64>(state, 0xa54ff53a3c6ef372, 8);
  store<u64>(state, 0x9b05688c510e527f, 16);
  store<u64>(state, 0x5be0cd191f83d9ab, 24);
}

function start224(state: usize): void {
  store<u64>(state, 0x367cd507c1059ed8);
  store<u64>(state, 0xf70e59393070dd17, 8);
  store<u64>(state, 0x68581511ffc00b31, 16);
  store<u64>(state, 0xbefa4fa464f98fa7, 24);
}

/** Pads the last `rest` (< 64) bytes at `tail`, which has room for 128, and works them in. */
function finish(state: usize, tail: usize, rest: u32, totalBytes: u64): void {
  store<u8>(tail + rest, 0x80);
  const blocks: u32 = rest < 56 ? 1 : 2;
  const end = blocks << 6;
  memory.fill(tail + rest + 1, 0, end - rest - 1);
  store<u64>(tail + end - 8, bswap<u64>(totalBytes << 3));
  compress(state, tail, blocks);
}

function writeDigest(state: usize, out: usize, words: u32): void {
  for (let i: u32 = 0; i < words; i++) store<u32>(out + (i << 2), wordAt(state + (i << 2)));
}

const onceState: usize = memory.data(32, 16);
const onceTail: usize = memory.data(128, 16);

function once(ptr: usize, len: u32): void {
  const blocks = len >> 6;
  compress(onceState, ptr, blocks);
  const rest = len & 63;
  memory.copy(onceTail, ptr + (blocks << 6), rest);
  finish(onceState, onceTail, rest, len);
}

/** SHA-256 of `len` bytes at `ptr`, 32 bytes to `out`; the two may overlap. */
export function sha256Ptr(ptr: usize, len: u32, out: usize): void {
  start256(onceState);
  once(ptr, len);
  writeDigest(onceState, out, 8);
}

/** SHA-224 of `len` bytes at `ptr`, 28 bytes to `out`. */
export function sha224Ptr(ptr: usize, len: u32, out: usize): void {
  start224(onceState);
  once(ptr, len);
  writeDigest(onceState, out, 7);
}

/** SHA-256, 32 bytes. */
export function sha256(data: Uint8Array): Uint8Array {
  const out = new Uint8Array(32);
  sha256Ptr(data.dataStart, data.length, out.dataStart);
  return out;
}

/** SHA-224, 28 bytes. */
export function sha224(data: Uint8Array): Uint8Array {
  const out = new Uint8Array(28);
  sha224Ptr(data.dataStart, data.length, out.dataStart);
  return out;
}

/** SHA-256 of bytes that come in pieces. */
export class Sha256 {
  // 32 bytes of state, 128 of unfinished block and padding.
  private buffer: StaticArray<u8> = new StaticArray<u8>(160);
  private pending: u32 = 0;
  private total: u64 = 0;

  constructor() {
    start256(changetype<usize>(this.buffer));
  }

  reset(): Sha256 {
    start256(changetype<usize>(this.buffer));
    this.pending = 0;
    this.total = 0;
    return this;
  }

  update(data: Uint8Array): Sha256 {
    this.updatePtr(data.dataStart, data.length);
    return this;
  }

  /** The text's UTF-8. */
  updateText(text: string): Sha256 {
    const utf8 = String.UTF8.encode(text);
    this.updatePtr(changetype<usize>(utf8), utf8.byteLength);
    return this;
  }

  updateByte(byte: u8): Sha256 {
    const one = changetype<usize>(this.buffer) + 159;
    store<u8>(one, byte);
    this.updatePtr(one, 1);
    return this;
  }

  updatePtr(ptr: usize, len: u32): void {
    const state = changetype<usize>(this.buffer);
    const block = state + 32;
    this.total += len;
    if (this.pending > 0) {
      const part = min(64 - this.pending, len);
      memory.copy(block + this.pending, ptr, part);
      this.pending += part;
      ptr += part;
      len -= part;
      if (this.pending < 64) return;
      compress(state, block, 1);
      this.pending = 0;
    }
    compress(state, ptr, len >> 6);
    ptr += len & ~63;
    this.pending = len & 63;
    memory.copy(block, ptr, this.pending);
  }

  /** 32 bytes. Afterwards only `reset` is allowed. */
  digest(): Uint8Array {
    const out = new Uint8Array(32);
    this.digestTo(out.dataStart);
    return out;
  }

  digestTo(out: usize): void {
    const state = changetype<usize>(this.buffer);
    finish(state, state + 32, this.pending, this.total);
    writeDigest(state, out, 8);
  }
}
