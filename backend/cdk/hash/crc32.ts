// CRC-32 (IEEE 802.3, reflected polynomial 0xedb88320), as principals and account identifiers use it.

/** The checksum of `len` bytes at `ptr`. Four bits a step: a table of 16 words, made on first use. */
const table: usize = memory.data(64, 4);

function entries(): usize {
  if (load<u32>(table, 4) == 0) {
    for (let i: u32 = 0; i < 16; i++) {
      let c = i;
      for (let bit = 0; bit < 4; bit++) c = c & 1 ? (c >> 1) ^ 0xedb88320 : c >> 1;
      store<u32>(table + (i << 2), c);
    }
  }
  return table;
}

export function crc32Ptr(ptr: usize, len: u32): u32 {
  const t = entries();
  let crc: u32 = 0xffffffff;
  for (const end = ptr + len; ptr < end; ptr++) {
    crc ^= load<u8>(ptr);
    crc = (crc >> 4) ^ load<u32>(t + ((crc & 15) << 2));
    crc = (crc >> 4) ^ load<u32>(t + ((crc & 15) << 2));
  }
  return ~crc;
}

export function crc32(data: Uint8Array): u32 {
  return crc32Ptr(data.dataStart, data.length);
}
