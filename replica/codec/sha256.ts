/** SHA-2 on whole buffers, by node:crypto's one-shot call (no stream object per hash). */
import { hash } from 'node:crypto';

/** 32 bytes. The result owns its memory. */
export function sha256(data: Uint8Array): Uint8Array {
  return hash('sha256', data, 'buffer');
}

/** 28 bytes. */
export function sha224(data: Uint8Array): Uint8Array {
  return hash('sha224', data, 'buffer');
}
