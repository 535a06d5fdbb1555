/**
 * SHA-2 on whole buffers, by node:crypto's one-shot call (no stream object per hash).
 *
 * Bytes go in and out the cheap way, which halves the time of a small hash: V8 keeps arrays of up to 64 bytes on its own
 * heap and has to move one out, for good, before native code may look at it; and a result as a string is no buffer to be
 * allocated outside and swept later.
 */
import { hash } from 'node:crypto';
import { concatBytes } from './bytes.ts';

const MAX_ON_HEAP_BYTES = 64;
/** Off the heap, for small inputs: hashing is synchronous and nothing keeps it. */
const scratch = new Uint8Array(1024);

/** 32 bytes. The result owns its memory. */
export function sha256(data: Uint8Array): Uint8Array {
  return data.length > MAX_ON_HEAP_BYTES ? hashed('sha256', data) : sha256Of(data);
}

/** 32 bytes: the hash of the parts one after the other. */
export function sha256Of(...parts: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const part of parts) length += part.length;
  if (length > scratch.length) return hashed('sha256', concatBytes(...parts));
  let at = 0;
  for (const part of parts) {
    scratch.set(part, at);
    at += part.length;
  }
  return hashed('sha256', scratch.subarray(0, length));
}

/** 28 bytes. */
export function sha224(data: Uint8Array): Uint8Array {
  return hashed('sha224', data);
}

function hashed(algorithm: string, data: Uint8Array): Uint8Array {
  const characters = hash(algorithm, data, 'latin1');
  const bytes = new Uint8Array(characters.length);
  for (let at = 0; at < bytes.length; at++) bytes[at] = characters.charCodeAt(at);
  return bytes;
}
