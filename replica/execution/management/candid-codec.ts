/**
 * Candid at the edge of the management canister: bytes to values and back.
 *
 * Decoding never throws: whatever a sender can cause comes back as `{ fault }`.
 * Encoding throws when a value does not fit its type: that is our own mistake.
 */
import { IDL } from '@dfinity/candid';
import { candidFault } from './candid-guard.ts';

export type Decoded<T> = { readonly value: T } | { readonly fault: string };

/** Longest piece of a library message that goes into a reject. */
const MAX_FAULT_CHARS = 300;

/** Decodes the first argument of a message. `T` is the interface beside `type` in candid-types.ts. */
export function decodeArgument<T>(type: IDL.Type, bytes: Uint8Array): Decoded<T> {
  const fault = candidFault(bytes);
  if (fault !== undefined) return { fault };
  try {
    return { value: IDL.decode([type], bytes)[0] as T };
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    return { fault: text.slice(0, MAX_FAULT_CHARS) };
  }
}

/** Checks a message for a method without arguments. Extra arguments are legal and skipped. */
export function decodeNothing(bytes: Uint8Array): Decoded<undefined> {
  const fault = candidFault(bytes);
  return fault === undefined ? { value: undefined } : { fault };
}

/** Encodes a reply of one value. */
export function encodeReply(type: IDL.Type, value: unknown): Uint8Array {
  return new Uint8Array(IDL.encode([type], [value]));
}

/** The reply `()`. */
export function emptyReply(): Uint8Array {
  return new Uint8Array([0x44, 0x49, 0x44, 0x4c, 0, 0]);
}
