/**
 * Small files of JSON that must be read back as written: the object, and beside its fields a checksum of them.
 *
 * A file without a checksum is taken as it is: the first versions wrote none. A damaged name of that field cannot hide
 * another damage by one and the same accident.
 */
import { toHex, utf8 } from '../codec/bytes.ts';
import { sha256 } from '../codec/sha256.ts';

const CHECKSUM = 'checksum';

export function encodeChecked(fields: object): string {
  return JSON.stringify({ ...fields, [CHECKSUM]: checksumOf(fields) }, null, 2) + '\n';
}

/** The fields. Throws an Error that says what is wrong. */
export function decodeChecked(text: string): Record<string, unknown> {
  const value: unknown = JSON.parse(text);
  if (typeof value !== 'object' || value === null) throw new Error('it is not an object');
  const { [CHECKSUM]: checksum, ...fields } = value as Record<string, unknown>;
  if (checksum !== undefined && checksum !== checksumOf(fields)) throw new Error('its contents do not match its checksum');
  return fields;
}

function checksumOf(fields: object): string {
  return toHex(sha256(utf8(JSON.stringify(fields))));
}
