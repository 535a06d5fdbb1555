// The signed-in identity as the sign-in library stored it: a session key that cannot be exported, and the
// delegation that the identity page gave to it. Read here without the library, because a worker needs it.

import type { DelegationIdentity } from '@dfinity/identity';
import { DelegationChain, DelegationIdentity as Identity, ECDSAKeyIdentity, isDelegationValid } from '@dfinity/identity';

const DATABASE = 'auth-client-db';
const STORE = 'ic-keyval';

function open(): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const opening = indexedDB.open(DATABASE, 1);
    // First visit: made in the library's own layout, so that the library finds what it expects.
    opening.onupgradeneeded = () => opening.result.createObjectStore(STORE);
    opening.onsuccess = () => resolve(opening.result);
    opening.onerror = () => reject(opening.error ?? new Error('cannot open the session'));
  });
}

function read(database: IDBDatabase, key: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const reading = database.transaction(STORE).objectStore(STORE).get(key);
    reading.onsuccess = () => resolve(reading.result);
    reading.onerror = () => reject(reading.error ?? new Error('cannot read the session'));
  });
}

/** `null` when nobody is signed in or the delegation has run out. */
export async function readSession(): Promise<DelegationIdentity | null> {
  const database = await open();
  try {
    const [keyPair, delegation] = [await read(database, 'identity'), await read(database, 'delegation')];
    if (typeof delegation !== 'string' || !isKeyPair(keyPair)) return null;
    const chain = DelegationChain.fromJSON(delegation);
    if (!isDelegationValid(chain)) return null;
    return Identity.fromDelegation(await ECDSAKeyIdentity.fromKeyPair(keyPair), chain);
  } finally {
    database.close();
  }
}

function isKeyPair(value: unknown): value is CryptoKeyPair {
  return typeof value === 'object' && value !== null && 'privateKey' in value && value.privateKey instanceof CryptoKey;
}
