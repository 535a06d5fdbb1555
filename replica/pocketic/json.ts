/**
 * JSON whose integers may have any size: cycles and nanoseconds pass through it without loss.
 *
 * Reading gives a number for what a double holds exactly and a bigint beyond. Writing takes both.
 */

export type JsonValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue | undefined };

/** Not in the library types yet: what the reviver learns of a number's text, and how to write raw text. */
type Reviver = (key: string, value: unknown, context: { readonly source?: string }) => unknown;
const parse = JSON.parse as (text: string, reviver: Reviver) => JsonValue;
const rawJson = (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON;

/** Throws SyntaxError for what is not JSON. */
export function parseJson(text: string): JsonValue {
  return parse(text, (_key, value, { source }) =>
    typeof value === 'number' &&
    !Number.isSafeInteger(value) &&
    source !== undefined &&
    /^-?\d+$/.test(source)
      ? BigInt(source)
      : value,
  );
}

export function writeJson(value: JsonValue): string {
  return JSON.stringify(value, (_key, item: unknown) =>
    typeof item === 'bigint' ? rawJson(item.toString()) : item,
  );
}
