// The recovery phrase: the identity's number, then 24 words (BIP-39) from which a key follows (SLIP-0010 for
// Ed25519, path m/44'/223'/0'/0'/0'), as on the public service. Always: the words are made and kept in this
// page's memory only. Never: they are stored, sent or logged; the network learns the public key.

import { Ed25519KeyIdentity } from '@dfinity/identity';
import { generateMnemonic, mnemonicToSeedWebcrypto, validateMnemonic } from '@scure/bip39';
import { wordlist } from '@scure/bip39/wordlists/english.js';

/** 24 words. */
const STRENGTH_BITS = 256;
const PHRASE_WORDS = 24;

const HARDENED = 0x8000_0000;
/** 223 is the Internet Computer's number in SLIP-0044. */
const PATH = [44, 223, 0, 0, 0];

export const newWords = (): string[] => generateMnemonic(wordlist, STRENGTH_BITS).split(' ');

export interface Phrase {
  anchor: bigint;
  words: string[];
}

/** As people write it down and type it: any spaces, any case, commas or not. `null` when it cannot be a phrase. */
export function parsePhrase(text: string): Phrase | null {
  const [number = '', ...words] = text.toLowerCase().split(/[\s,;]+/).filter((word) => word !== '');
  if (!/^\d{1,19}$/.test(number) || words.length !== PHRASE_WORDS) return null;
  return validateMnemonic(words.join(' '), wordlist) ? { anchor: BigInt(number), words } : null;
}

export const samePhrase = (text: string, { anchor, words }: Phrase): boolean => {
  const typed = parsePhrase(text);
  return typed?.anchor === anchor && typed.words.every((word, i) => word === words[i]);
};

export async function keyOfWords(words: readonly string[]): Promise<Ed25519KeyIdentity> {
  const seed = await mnemonicToSeedWebcrypto(words.join(' '));
  return Ed25519KeyIdentity.generate(await derive(seed, PATH));
}

async function hmacSha512(key: Uint8Array<ArrayBuffer>, data: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  const imported = await crypto.subtle.importKey('raw', key, { name: 'HMAC', hash: 'SHA-512' }, false, ['sign']);
  return new Uint8Array(await crypto.subtle.sign('HMAC', imported, data));
}

/** The private key (32 bytes) at a path of hardened steps: Ed25519 knows no others (SLIP-0010). */
export async function derive(seed: Uint8Array, path: readonly number[]): Promise<Uint8Array<ArrayBuffer>> {
  let node = await hmacSha512(new TextEncoder().encode('ed25519 seed'), Uint8Array.from(seed));
  for (const step of path) {
    const data = new Uint8Array(37);
    data.set(node.subarray(0, 32), 1);
    new DataView(data.buffer).setUint32(33, HARDENED + step);
    node = await hmacSha512(node.slice(32), data);
  }
  return node.slice(0, 32);
}
