// Representation-independent hash of a map (Interface Specification, "Request ids"): each key and value hashed,
// the pairs sorted, all hashed again.

import { leb128 } from "../encoding/leb128";
import { Sha256, sha256 } from "../hash/sha256";

export class HashOfMap {
  private pairs: Array<Uint8Array> = [];

  private add(key: string, valueHash: Uint8Array): HashOfMap {
    const pair = new Uint8Array(64);
    pair.set(new Sha256().updateText(key).digest());
    pair.set(valueHash, 32);
    this.pairs.push(pair);
    return this;
  }

  bytes(key: string, value: Uint8Array): HashOfMap {
    return this.add(key, sha256(value));
  }

  text(key: string, value: string): HashOfMap {
    return this.add(key, new Sha256().updateText(value).digest());
  }

  /** A natural number, hashed as LEB128. */
  nat(key: string, value: u64): HashOfMap {
    return this.add(key, sha256(leb128(value)));
  }

  /** An array of byte strings: the hash of their hashes. */
  byteArrays(key: string, values: Array<Uint8Array>): HashOfMap {
    const all = new Sha256();
    for (let i = 0; i < values.length; i++) all.update(sha256(values[i]));
    return this.add(key, all.digest());
  }

  digest(): Uint8Array {
    this.pairs.sort((a: Uint8Array, b: Uint8Array): i32 => memory.compare(a.dataStart, b.dataStart, 64));
    const all = new Sha256();
    for (let i = 0; i < this.pairs.length; i++) all.update(this.pairs[i]);
    return all.digest();
  }
}
