// Numbers for principals: a canister stores a person once and refers to them by a small number.
// Numbers are given in order of first sight, from 0, and never reused.

import { Principal } from "../cdk/principal/principal";
import { StableBTreeMap } from "../cdk/stable/btree-map";
import { Memory } from "../cdk/stable/memory-manager";

export class People {
  private numbers: StableBTreeMap<Uint8Array, u32>;
  private principals: StableBTreeMap<u32, Uint8Array>;
  /** Most recently resolved numbers; bounded so that a large group does not fill the heap. */
  private cache: Map<u32, Principal> = new Map();

  constructor(numbers: Memory, principals: Memory) {
    this.numbers = new StableBTreeMap<Uint8Array, u32>(numbers);
    this.principals = new StableBTreeMap<u32, Uint8Array>(principals);
  }

  get count(): u32 {
    return <u32>this.principals.size;
  }

  /** The person's number, or -1 when never seen. */
  find(person: Principal): i64 {
    if (!this.numbers.find(person.bytes)) return -1;
    return <i64>this.numbers.found();
  }

  numberOf(person: Principal): u32 {
    const known = this.find(person);
    if (known >= 0) return <u32>known;
    const fresh = this.count;
    this.numbers.insert(person.bytes, fresh);
    this.principals.insert(fresh, person.bytes);
    return fresh;
  }

  principal(number: u32): Principal {
    if (this.cache.has(number)) return this.cache.get(number);
    const person = new Principal(this.principals.get(number));
    if (this.cache.size >= 64) this.cache.clear();
    this.cache.set(number, person);
    return person;
  }
}
