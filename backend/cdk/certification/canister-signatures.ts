// Signatures of a canister: not computed but certified. To sign is to put the message's hash into the certified
// tree; the signature is the certificate with the witness of that place (Interface Specification, "Canister
// signatures").
//
// Keeps: a signature is there for one minute; the number of signatures held is bounded; what has expired goes
// when others come. The map does not outlive an upgrade: a client then prepares again.

import { CborWriter } from "../cbor/writer";
import { sha256 } from "../hash/sha256";
import { CertifiedTree, Path, textLabel } from "./certified-tree";

/** How long a prepared signature can be fetched. */
const LIFETIME_NANOS: u64 = 60_000_000_000;
/** Expired entries removed per added one: enough to shrink, and bounded work. */
const PRUNED_PER_ADD: i32 = 50;
/** Held at once unless told otherwise: some 5 MB of heap, and a hundred sign-ins a second. */
const MAX_SIGNATURES: i32 = 8192;

/** OID 1.3.6.1.4.1.56387.1.2 in an AlgorithmIdentifier. */
const ALGORITHM: StaticArray<u8> = [0x30, 0x0c, 0x06, 0x0a, 0x2b, 0x06, 0x01, 0x04, 0x01, 0x83, 0xb8, 0x43, 0x01, 0x02];

/** The DER public key for signatures of `canister` (its id's bytes) with `seed` (32 bytes or so, below 64 in all). */
export function canisterSignatureKey(canister: Uint8Array, seed: Uint8Array): Uint8Array {
  const raw = 1 + canister.length + seed.length;
  const total = ALGORITHM.length + 3 + raw;
  assert(total < 128, "seed too long for a short DER length");
  const der = new Uint8Array(2 + total);
  let at = 0;
  der[at++] = 0x30;
  der[at++] = <u8>total;
  for (let i = 0; i < ALGORITHM.length; i++) der[at++] = ALGORITHM[i];
  der[at++] = 0x03;
  der[at++] = <u8>(raw + 1);
  der[at++] = 0; // no unused bits
  der[at++] = <u8>canister.length;
  der.set(canister, at);
  der.set(seed, at + canister.length);
  return der;
}

export class SignatureMap {
  // In order of their making, so that the oldest expire first.
  private seeds: Array<Uint8Array> = [];
  private messages: Array<Uint8Array> = [];
  private expiries: Array<u64> = [];
  private first: i32 = 0;
  private label: Uint8Array = textLabel("sig");

  /** `tree` is the canister's certified tree; this map owns its label "sig". At most `most` signatures are held. */
  constructor(
    private tree: CertifiedTree,
    private most: i32 = MAX_SIGNATURES,
  ) {}

  /** Entries not yet removed. */
  get size(): i32 {
    return this.expiries.length - this.first;
  }

  /**
   * Prepares a signature over a message (with its domain separator) of which this is the SHA-256. False when too
   * many are held. The caller sets the certified data afterwards.
   */
  add(seed: Uint8Array, messageHash: Uint8Array, nowNanos: u64): bool {
    this.prune(nowNanos);
    if (this.size >= this.most) return false;
    const seedHash = sha256(seed);
    const expiry = nowNanos + LIFETIME_NANOS;
    this.tree.setPath([this.label, seedHash, messageHash], new Uint8Array(0), expiry);
    this.seeds.push(seedHash);
    this.messages.push(messageHash);
    this.expiries.push(expiry);
    return true;
  }

  /** The signature, or null when it was not prepared or has been removed. */
  signature(seed: Uint8Array, messageHash: Uint8Array, certificate: Uint8Array): Uint8Array | null {
    const path: Path = [this.label, sha256(seed), messageHash];
    const all = this.tree.subtreeAt(this.label);
    if (all == null) return null;
    const ofSeed = all.subtreeAt(path[1]);
    if (ofSeed == null || !ofSeed.has(messageHash)) return null;
    const w = new CborWriter();
    w.selfDescribe().map(2).text("certificate").bytes(certificate).text("tree");
    this.tree.witness([path], w);
    return w.done();
  }

  /** Removes some of what has expired. */
  prune(nowNanos: u64): void {
    for (let i = 0; i < PRUNED_PER_ADD && this.first < this.expiries.length; i++) {
      const at = this.first;
      if (this.expiries[at] > nowNanos) break;
      const seedHash = this.seeds[at];
      const message = this.messages[at];
      const ofSeed = this.tree.subtree(this.label).subtreeAt(seedHash);
      // The same message prepared again lives as long as its last preparation.
      if (ofSeed != null && ofSeed.noteOf(message) <= nowNanos) this.tree.removePath([this.label, seedHash, message]);
      this.first++;
    }
    if (this.first > 256 && this.first * 2 > this.expiries.length) {
      this.seeds = this.seeds.slice(this.first);
      this.messages = this.messages.slice(this.first);
      this.expiries = this.expiries.slice(this.first);
      this.first = 0;
    }
  }
}
