// What makes two transactions the same: who asks, and everything they ask.

import { sha256 } from "../cdk/hash/sha256";

/** `encoded` is the Candid form of the arguments; equal arguments have equal forms. */
export function transactionHash(owner: Uint8Array, encoded: Uint8Array): Uint8Array {
  const preimage = new Uint8Array(1 + owner.length + encoded.length);
  preimage[0] = <u8>owner.length;
  preimage.set(owner, 1);
  preimage.set(encoded, 1 + owner.length);
  return sha256(preimage);
}
