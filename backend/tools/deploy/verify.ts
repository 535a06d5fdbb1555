// Certificates of replies are checked with the replica's BLS (WebAssembly, about 6 ms) in place of the agent's
// own (JavaScript, about 40 ms on the same machine): an upload of a site checks some two hundred.

import { blsVerify, initBls } from "../../../replica/crypto/bls.ts";

/** The form that @dfinity/agent asks for: raw key of 96 bytes, signature of 48 bytes, message. */
export async function verifyBls(publicKey: Uint8Array, signature: Uint8Array, message: Uint8Array): Promise<boolean> {
  await initBls();
  return blsVerify(signature, message, publicKey);
}
