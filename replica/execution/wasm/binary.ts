/**
 * Byte reader and writer for the Wasm binary format.
 *
 * The reader throws {@link MalformedModule} on anything short, overlong or out of range; it never reads past `end`.
 */

export class MalformedModule extends Error {}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

export class ByteReader {
  pos: number
  readonly bytes: Uint8Array
  readonly end: number

  constructor(bytes: Uint8Array, pos = 0, end = bytes.length) {
    this.bytes = bytes
    this.pos = pos
    this.end = end
  }

  byte(): number {
    if (this.pos >= this.end) throw new MalformedModule('unexpected end')
    return this.bytes[this.pos++]!
  }

  /** Unsigned LEB128, at most 32 bits. */
  u32(): number {
    let b = this.byte()
    if (b < 0x80) return b
    let result = b & 0x7f
    let shift = 7
    for (; shift < 28; shift += 7) {
      b = this.byte()
      result |= (b & 0x7f) << shift
      if (b < 0x80) return result >>> 0
    }
    b = this.byte()
    if (b > 0x0f) throw new MalformedModule('integer representation too long')
    return (result | (b << 28)) >>> 0
  }

  /** Unsigned LEB128, at most 64 bits. */
  u64(): bigint {
    let result = 0n
    let shift = 0n
    for (let i = 0; i < 10; i++) {
      const b = this.byte()
      if (i === 9 && b > 1) break
      result |= BigInt(b & 0x7f) << shift
      if (b < 0x80) return result
      shift += 7n
    }
    throw new MalformedModule('integer representation too long')
  }

  s32(): number {
    let result = 0
    let shift = 0
    for (let i = 0; i < 5; i++) {
      const b = this.byte()
      result |= (b & 0x7f) << shift
      shift += 7
      if (b < 0x80) return shift < 32 && (b & 0x40) !== 0 ? result | (-1 << shift) : result
    }
    throw new MalformedModule('integer representation too long')
  }

  s64(): bigint {
    let result = 0n
    let shift = 0n
    for (let i = 0; i < 10; i++) {
      const b = this.byte()
      result |= BigInt(b & 0x7f) << shift
      shift += 7n
      if (b < 0x80) return BigInt.asIntN(64, (b & 0x40) !== 0 ? result - (1n << shift) : result)
    }
    throw new MalformedModule('integer representation too long')
  }

  skipLeb(maxBytes: number): void {
    for (let i = 0; i < maxBytes; i++) if (this.byte() < 0x80) return
    throw new MalformedModule('integer representation too long')
  }

  skip(count: number): void {
    if (count > this.end - this.pos) throw new MalformedModule('unexpected end')
    this.pos += count
  }

  slice(count: number): Uint8Array {
    const from = this.pos
    this.skip(count)
    return this.bytes.subarray(from, this.pos)
  }

  name(): string {
    const raw = this.slice(this.u32())
    try {
      return utf8.decode(raw)
    } catch {
      throw new MalformedModule('malformed UTF-8 encoding')
    }
  }

  /** Length of a vector whose entries take at least one byte each. */
  count(): number {
    const n = this.u32()
    if (n > this.end - this.pos) throw new MalformedModule('length out of bounds')
    return n
  }
}

/** Writes an unsigned LEB128 at `pos`; returns the position after it. At most 5 bytes. */
export function putU32(bytes: Uint8Array, pos: number, value: number): number {
  while (value > 0x7f) {
    bytes[pos++] = (value & 0x7f) | 0x80
    value >>>= 7
  }
  bytes[pos++] = value
  return pos
}

export class ByteWriter {
  bytes: Uint8Array
  pos = 0

  constructor(capacity = 1024) {
    this.bytes = new Uint8Array(capacity)
  }

  private grow(extra: number): void {
    const next = new Uint8Array(Math.max(this.bytes.length * 2, this.pos + extra))
    next.set(this.bytes.subarray(0, this.pos))
    this.bytes = next
  }

  /** Makes room for `extra` bytes that the caller then writes into `bytes` itself. */
  reserve(extra: number): void {
    if (this.pos + extra > this.bytes.length) this.grow(extra)
  }

  byte(b: number): void {
    if (this.pos === this.bytes.length) this.grow(1)
    this.bytes[this.pos++] = b
  }

  byte2(a: number, b: number): void {
    if (this.pos + 2 > this.bytes.length) this.grow(2)
    this.bytes[this.pos++] = a
    this.bytes[this.pos++] = b
  }

  u32(value: number): void {
    while (value > 0x7f) {
      this.byte((value & 0x7f) | 0x80)
      value >>>= 7
    }
    this.byte(value)
  }

  u64(value: bigint): void {
    while (value > 0x7fn) {
      this.byte(Number(value & 0x7fn) | 0x80)
      value >>= 7n
    }
    this.byte(Number(value))
  }

  s32(value: number): void {
    for (;;) {
      const b = value & 0x7f
      value >>= 7
      if ((value === 0 && (b & 0x40) === 0) || (value === -1 && (b & 0x40) !== 0)) return this.byte(b)
      this.byte(b | 0x80)
    }
  }

  s64(value: bigint): void {
    for (;;) {
      const b = Number(value & 0x7fn)
      value >>= 7n
      if ((value === 0n && (b & 0x40) === 0) || (value === -1n && (b & 0x40) !== 0)) return this.byte(b)
      this.byte(b | 0x80)
    }
  }

  /** Non-negative signed LEB of exactly five bytes (< 2^31): a placeholder that {@link patchS35} fills. */
  s35Placeholder(): number {
    const at = this.pos
    this.byte2(0x80, 0x80)
    this.byte2(0x80, 0x80)
    this.byte(0x00)
    return at
  }

  patchS35(at: number, value: number): void {
    const b = this.bytes
    b[at] = (value & 0x7f) | 0x80
    b[at + 1] = ((value >>> 7) & 0x7f) | 0x80
    b[at + 2] = ((value >>> 14) & 0x7f) | 0x80
    b[at + 3] = ((value >>> 21) & 0x7f) | 0x80
    b[at + 4] = value >>> 28
  }

  raw(from: Uint8Array, start = 0, end = from.length): void {
    const n = end - start
    if (this.pos + n > this.bytes.length) this.grow(n)
    if (n < 16) for (let i = start; i < end; i++) this.bytes[this.pos++] = from[i]!
    else {
      this.bytes.set(from.subarray(start, end), this.pos)
      this.pos += n
    }
  }

  name(text: string): void {
    const raw = new TextEncoder().encode(text)
    this.u32(raw.length)
    this.raw(raw)
  }

  section(id: number, body: ByteWriter): void {
    this.byte(id)
    this.u32(body.pos)
    this.raw(body.bytes, 0, body.pos)
  }

  finish(): Uint8Array<ArrayBuffer> {
    return this.bytes.slice(0, this.pos) as Uint8Array<ArrayBuffer>
  }
}
