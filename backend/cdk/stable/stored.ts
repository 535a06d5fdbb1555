// How values and keys become bytes.
//
// A stored type is any integer, bool, string, Uint8Array, or a class with a constructor without arguments and
//   encode(w: ByteWriter): void      decode(r: ByteReader): void
// As a value: integers little-endian, strings UTF-8, Uint8Array as it is. As a key: integers big-endian (the sign
// bit turned over when signed), so that the order of the bytes is the order of the keys.

import { ByteReader, ByteWriter } from "./bytes";

/** Appends the value form. */
export function encodeValue<T>(w: ByteWriter, value: T): void {
  if (isInteger<T>()) {
    store<T>(w.reserve(sizeof<T>()), value);
  } else if (isString<T>()) {
    w.utf8(<string>value);
  } else if (idof<T>() == idof<Uint8Array>()) {
    const bytes = changetype<Uint8Array>(value);
    w.raw(bytes.dataStart, bytes.length);
  } else {
    // @ts-ignore: the class of the caller's choice has this method
    value.encode(w);
  }
}

/** Reads the value form back from exactly `len` bytes. */
export function decodeValue<T>(ptr: usize, len: u32): T {
  if (isInteger<T>()) {
    assert(len == sizeof<T>(), "stored integer of another width");
    return load<T>(ptr);
  } else if (isString<T>()) {
    return <T>String.UTF8.decodeUnsafe(ptr, len);
  } else if (idof<T>() == idof<Uint8Array>()) {
    const bytes = new Uint8Array(len);
    memory.copy(bytes.dataStart, ptr, len);
    return changetype<T>(bytes);
  } else {
    const value = instantiate<T>();
    // @ts-ignore: see encodeValue
    value.decode(new ByteReader(ptr, len));
    return value;
  }
}

/** Appends the key form. */
export function encodeKey<T>(w: ByteWriter, key: T): void {
  if (isInteger<T>()) {
    let bits = key;
    if (isSigned<T>()) bits = <T>(<u64>bits ^ (<u64>1 << (8 * sizeof<T>() - 1)));
    store<T>(w.reserve(sizeof<T>()), bswap<T>(bits));
  } else {
    encodeValue<T>(w, key);
  }
}

/** Reads the key form back. */
export function decodeKey<T>(ptr: usize, len: u32): T {
  if (isInteger<T>()) {
    assert(len == sizeof<T>(), "stored key of another width");
    let bits = bswap<T>(load<T>(ptr));
    if (isSigned<T>()) bits = <T>(<u64>bits ^ (<u64>1 << (8 * sizeof<T>() - 1)));
    return bits;
  } else {
    return decodeValue<T>(ptr, len);
  }
}
