import { describe, expect, test } from 'vitest';
import type { IngressMessage } from '../types/messages.ts';
import { Principal } from '../types/principal.ts';
import { IngressPool } from './ingress-pool.ts';

const CANISTER = Principal.fromCanisterIndex(1n);
const MIB = 1024 * 1024;
const ALONE = { alone: true };

function message(at: number, envelopeBytes: number, expiryNanos = 10n): IngressMessage {
  const ids = { sender: CANISTER, receiver: CANISTER, effectiveCanisterId: CANISTER };
  return { messageId: String(at), ...ids, methodName: 'm', arg: new Uint8Array(0), expiryNanos, envelopeBytes };
}

function filled(pool: IngressPool, bytes: number): number {
  let count = 0;
  while (count < 100_000 && pool.add(message(count, bytes))) count++;
  return count;
}

describe('ingress pool', () => {
  test('refuses what would make it hold too many messages', () => {
    expect(filled(new IngressPool(), 300)).toBe(10_000);
  });

  test('refuses what would make it hold too many bytes, however few the messages', () => {
    expect(filled(new IngressPool(), 2 * MIB)).toBe(128);
  });

  test('has room again for what was taken or had expired', () => {
    const pool = new IngressPool();
    filled(pool, 2 * MIB);
    expect(pool.take(5n, 1000, 4 * MIB, ALONE).messages.length).toBe(2);
    expect([pool.add(message(-1, 4 * MIB)), pool.add(message(-2, 1))]).toEqual([true, false]);
    expect(pool.take(11n, 1000, 4 * MIB, ALONE).messages).toEqual([]);
    expect(pool.size).toBe(0);
    expect(filled(pool, 2 * MIB)).toBe(128);
  });

  test('gives a block what fits, oldest first, and a single message however large', () => {
    const pool = new IngressPool();
    for (const [at, bytes] of [5 * MIB, MIB, 2 * MIB, 2 * MIB].entries()) pool.add(message(at, bytes));
    const ids = (alone: boolean): string[] => pool.take(5n, 1000, 4 * MIB, { alone }).messages.map(({ messageId }) => messageId);
    expect(ids(false)).toEqual([]);
    expect([1, 2, 3].map(() => ids(true))).toEqual([['0'], ['1', '2'], ['3']]);
  });
});
