/**
 * Candid at the edge of the management canister: bytes to values and back.
 *
 * Decoding never throws: whatever a sender can cause comes back as `{ fault }`.
 * Encoding throws when a value does not fit its type: that is our own mistake.
 */
import { IDL } from '@dfinity/candid';
import { Principal as WirePrincipal } from '@dfinity/principal';
import { guardCandid, MARKER_BYTES } from './candid-guard.ts';

export type Decoded<T> = { readonly value: T } | { readonly fault: string };

/** Longest piece of a library message that goes into a reject. */
const MAX_FAULT_CHARS = 300;

/** Decodes the first argument of a message. `T` is the interface beside `type` in candid-types.ts. */
export function decodeArgument<T>(type: IDL.Type, bytes: Uint8Array): Decoded<T> {
  const guarded = guardCandid(bytes);
  if ('fault' in guarded) return guarded;
  try {
    const [value] = IDL.decode([type], guarded.message);
    return { value: putBack(value, guarded.blobs) as T };
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    return { fault: text.slice(0, MAX_FAULT_CHARS) };
  }
}

/** Replaces markers by the blobs they stand for. Decoded values are trees of plain objects and arrays. */
function putBack(value: unknown, blobs: readonly Uint8Array[]): unknown {
  if (blobs.length === 0 || typeof value !== 'object' || value === null) return value;
  if (value instanceof Uint8Array) {
    return value.length === MARKER_BYTES
      ? blobs[new DataView(value.buffer, value.byteOffset).getUint32(0, true)]
      : value;
  }
  if (Array.isArray(value)) return value.map((item) => putBack(item, blobs));
  if (value instanceof WirePrincipal || ArrayBuffer.isView(value)) return value;
  const object = value as Record<string, unknown>;
  for (const [name, item] of Object.entries(object)) object[name] = putBack(item, blobs);
  return object;
}

/** Checks a message for a method without arguments. Extra arguments are legal and skipped. */
export function decodeNothing(bytes: Uint8Array): Decoded<undefined> {
  const guarded = guardCandid(bytes);
  return 'fault' in guarded ? guarded : { value: undefined };
}

/** Encodes a reply of one value. */
export function encodeReply(type: IDL.Type, value: unknown): Uint8Array {
  return new Uint8Array(IDL.encode([type], [value]));
}

/** The reply `()`. */
export function emptyReply(): Uint8Array {
  return new Uint8Array([0x44, 0x49, 0x44, 0x4c, 0, 0]);
}
