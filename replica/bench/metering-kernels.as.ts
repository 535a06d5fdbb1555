// Compute kernels for the metering figure, compiled with AssemblyScript at bench time.
// Each export runs one kernel for a while on memory above 4 MiB (the heap of objects is below) and leaves a checksum at address 8.

const BASE: usize = 4 << 20

export function sieve(): void {
  const n: u32 = 2_000_000
  for (let i: u32 = 0; i < n; i++) store<u8>(BASE + i, 1)
  let count: u32 = 0
  for (let i: u32 = 2; i < n; i++) {
    if (load<u8>(BASE + i) == 0) continue
    count++
    for (let k: u32 = i + i; k < n; k += i) store<u8>(BASE + k, 0)
  }
  store<u32>(8, count)
}

function fibonacci(n: i32): i32 {
  return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2)
}

export function recursion(): void {
  store<i32>(8, fibonacci(32))
}

export function matrix(): void {
  const n: u32 = 160
  const a = BASE
  const b = a + n * n * 8
  const c = b + n * n * 8
  for (let i: u32 = 0; i < n * n; i++) {
    store<f64>(a + i * 8, <f64>i * 0.5)
    store<f64>(b + i * 8, <f64>(n * n - i) * 0.25)
  }
  for (let i: u32 = 0; i < n; i++) {
    for (let j: u32 = 0; j < n; j++) {
      let sum: f64 = 0
      for (let k: u32 = 0; k < n; k++) sum += load<f64>(a + (i * n + k) * 8) * load<f64>(b + (k * n + j) * 8)
      store<f64>(c + (i * n + j) * 8, sum)
    }
  }
  store<f64>(8, load<f64>(c + 8 * n))
}

export function mandelbrot(): void {
  let inside: u32 = 0
  for (let y = 0; y < 200; y++) {
    for (let x = 0; x < 200; x++) {
      const cr = <f64>x / 100.0 - 1.5
      const ci = <f64>y / 100.0 - 1.0
      let zr: f64 = 0
      let zi: f64 = 0
      let i = 0
      while (i < 200 && zr * zr + zi * zi < 4.0) {
        const t = zr * zr - zi * zi + cr
        zi = 2.0 * zr * zi + ci
        zr = t
        i++
      }
      if (i == 200) inside++
    }
  }
  store<u32>(8, inside)
}

function quicksort(low: i32, high: i32): void {
  if (low >= high) return
  const pivot = load<u32>(BASE + ((((low + high) >>> 1) as usize) << 2))
  let i = low
  let j = high
  while (i <= j) {
    while (load<u32>(BASE + ((i as usize) << 2)) < pivot) i++
    while (load<u32>(BASE + ((j as usize) << 2)) > pivot) j--
    if (i <= j) {
      const t = load<u32>(BASE + ((i as usize) << 2))
      store<u32>(BASE + ((i as usize) << 2), load<u32>(BASE + ((j as usize) << 2)))
      store<u32>(BASE + ((j as usize) << 2), t)
      i++
      j--
    }
  }
  quicksort(low, j)
  quicksort(i, high)
}

export function sort(): void {
  const n = 300_000
  let x: u32 = 12345
  for (let i = 0; i < n; i++) {
    x = x * 1664525 + 1013904223
    store<u32>(BASE + ((i as usize) << 2), x)
  }
  quicksort(0, n - 1)
  store<u32>(8, load<u32>(BASE + 400))
}

export function hashTable(): void {
  const mask: u32 = (1 << 18) - 1
  memory.fill(BASE, 0, ((mask + 1) as usize) << 3)
  let x: u32 = 1
  let probes: u32 = 0
  for (let i = 0; i < 120_000; i++) {
    x ^= x << 13
    x ^= x >> 17
    x ^= x << 5
    let at = (x * 0x9e3779b1) & mask
    while (load<u32>(BASE + ((at as usize) << 3)) != 0 && load<u32>(BASE + ((at as usize) << 3)) != x) {
      at = (at + 1) & mask
      probes++
    }
    store<u32>(BASE + ((at as usize) << 3), x)
    store<u32>(BASE + ((at as usize) << 3), load<u32>(BASE + ((at as usize) << 3), 4) + 1, 4)
  }
  store<u32>(8, probes)
}

function round(a: u32, b: u32, c: u32, d: u32, e: u32, f: u32, g: u32, h: u32, k: u32, w: u32): u32 {
  const s1 = rotr<u32>(e, 6) ^ rotr<u32>(e, 11) ^ rotr<u32>(e, 25)
  const ch = (e & f) ^ (~e & g)
  return h + s1 + ch + k + w
}

export function sha256(): void {
  const w = BASE
  const blocks = 6000
  let h0: u32 = 0x6a09e667, h1: u32 = 0xbb67ae85, h2: u32 = 0x3c6ef372, h3: u32 = 0xa54ff53a
  let h4: u32 = 0x510e527f, h5: u32 = 0x9b05688c, h6: u32 = 0x1f83d9ab, h7: u32 = 0x5be0cd19
  for (let block = 0; block < blocks; block++) {
    for (let i: usize = 0; i < 16; i++) store<u32>(w + (i << 2), h0 + <u32>i * 0x01010101)
    for (let i: usize = 16; i < 64; i++) {
      const w15 = load<u32>(w + ((i - 15) << 2))
      const w2 = load<u32>(w + ((i - 2) << 2))
      const s0 = rotr<u32>(w15, 7) ^ rotr<u32>(w15, 18) ^ (w15 >> 3)
      const s1 = rotr<u32>(w2, 17) ^ rotr<u32>(w2, 19) ^ (w2 >> 10)
      store<u32>(w + (i << 2), load<u32>(w + ((i - 16) << 2)) + s0 + load<u32>(w + ((i - 7) << 2)) + s1)
    }
    let a = h0, b = h1, c = h2, d = h3, e = h4, f = h5, g = h6, h = h7
    for (let i: usize = 0; i < 64; i++) {
      const t1 = round(a, b, c, d, e, f, g, h, 0x428a2f98 + <u32>i, load<u32>(w + (i << 2)))
      const s0 = rotr<u32>(a, 2) ^ rotr<u32>(a, 13) ^ rotr<u32>(a, 22)
      const t2 = s0 + ((a & b) ^ (a & c) ^ (b & c))
      h = g
      g = f
      f = e
      e = d + t1
      d = c
      c = b
      b = a
      a = t1 + t2
    }
    h0 += a
    h1 += b
    h2 += c
    h3 += d
    h4 += e
    h5 += f
    h6 += g
    h7 += h
  }
  store<u32>(8, h0)
}

export function bytes(): void {
  // Escaping text: read a byte, write one or two.
  const n: usize = 1_000_000
  for (let i: usize = 0; i < n; i++) store<u8>(BASE + i, <u8>(32 + ((i * 7) % 90)))
  let to = BASE + n
  for (let i: usize = 0; i < n; i++) {
    const c = load<u8>(BASE + i)
    if (c == 34 || c == 92) {
      store<u8>(to, 92)
      to++
    }
    store<u8>(to, c)
    to++
  }
  store<u32>(8, to as u32)
}

class Node {
  next: Node | null = null
  value: u32 = 0
}

let spare: Node | null = null

export function objects(): void {
  // A list built of objects of the language, taken apart again, and walked: pointer chasing and calls.
  let head: Node | null = null
  for (let i: u32 = 0; i < 20_000; i++) {
    let node = spare
    if (node === null) node = new Node()
    else spare = node.next
    node.value = i
    node.next = head
    head = node
  }
  let sum: u32 = 0
  for (let pass = 0; pass < 20; pass++) {
    let node = head
    while (node !== null) {
      sum += node.value ^ pass
      node = node.next
    }
  }
  while (head !== null) {
    const next: Node | null = head.next
    head.next = spare
    spare = head
    head = next
  }
  store<u32>(8, sum)
}

export function bigArithmetic(): void {
  // Schoolbook multiplication of 32-bit limbs.
  const n: usize = 256
  const a = BASE
  const b = a + n * 4
  const c = b + n * 4
  for (let i: usize = 0; i < n; i++) {
    store<u32>(a + (i << 2), 0x9e3779b9 * <u32>(i + 1))
    store<u32>(b + (i << 2), 0x85ebca6b * <u32>(i + 3))
  }
  for (let pass = 0; pass < 30; pass++) {
    for (let i: usize = 0; i < 2 * n; i++) store<u32>(c + (i << 2), 0)
    for (let i: usize = 0; i < n; i++) {
      let carry: u64 = 0
      const x = <u64>load<u32>(a + (i << 2))
      for (let j: usize = 0; j < n; j++) {
        const at = c + ((i + j) << 2)
        const t = x * <u64>load<u32>(b + (j << 2)) + <u64>load<u32>(at) + carry
        store<u32>(at, <u32>t)
        carry = t >> 32
      }
      store<u32>(c + ((i + n) << 2), <u32>carry)
    }
  }
  store<u32>(8, load<u32>(c + 40))
}
