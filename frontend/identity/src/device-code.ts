// The short code by which a new device finds the identity it is to be added to.

const LENGTH = 5;
/** Nothing that reads like something else. */
const LETTERS = 'abcdefghjkmnpqrstuvwxyz23456789';

export function newDeviceCode(random: (bytes: Uint8Array<ArrayBuffer>) => void = (b) => crypto.getRandomValues(b)): string {
  let code = '';
  const bytes = new Uint8Array(1);
  while (code.length < LENGTH) {
    random(bytes);
    // Bytes beyond the last whole round would make the first letters likelier.
    const byte = bytes[0] as number;
    if (byte < 256 - (256 % LETTERS.length)) code += LETTERS[byte % LETTERS.length];
  }
  return code;
}

/** As typed by hand; `null` when it cannot be a code. */
export function parseDeviceCode(text: string): string | null {
  const code = text.replace(/\s/g, '').toLowerCase();
  return new RegExp(`^[${LETTERS}]{${LENGTH}}$`).test(code) ? code : null;
}
