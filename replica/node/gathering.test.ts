import { describe, expect, test } from 'vitest';
import { initBls } from '../crypto/bls.ts';
import type { ValidatedRequest } from '../http/replica-port.ts';
import { createCanisterCall } from '../network/management-calls.ts';
import { networkInMemory } from '../network/state-folder.ts';
import { Principal } from '../types/principal.ts';
import { createNode } from './create-node.ts';
import type { SubnetNode } from './subnet-node.ts';

const NOW_NANOS = 1_700_000_000_000_000_000n;
const MINUTE_NANOS = 60_000_000_000n;

function request(nonce: number): ValidatedRequest {
  const { method, arg } = createCanisterCall({ cycles: 1_000_000_000_000n, controllers: [] });
  return {
    requestId: new Uint8Array(32).fill(nonce),
    sender: Principal.anonymous().bytes,
    canisterId: new Uint8Array(0),
    methodName: method,
    arg,
    ingressExpiryNanos: NOW_NANOS + MINUTE_NANOS,
    effectiveId: new Uint8Array(0),
    envelopeBytes: 300,
  };
}

/** A node, what it published, and how to let what waits for the intake go on. */
async function nodeWithIntake(): Promise<{ node: SubnetNode; heights: number[]; taken: () => void; waiting: () => boolean }> {
  await initBls();
  const { registry, subnets } = networkInMemory([{ kind: 'application' }], 1);
  const heights: number[] = [];
  let goOn: (() => void) | undefined;
  const node = await createNode(
    { registry, subnetId: registry.subnets[0]!.id.bytes, secrets: subnets[0]!.secrets, folder: undefined },
    {
      clock: { nowNanos: () => NOW_NANOS, wakeAt: () => {} },
      host: { sendSlice: () => {}, certified: (height) => heights.push(height), log: () => {}, broken: () => {} },
      randomBytes: (length) => new Uint8Array(length),
      monotonicMillis: () => 0,
      intake: () => new Promise((resolve) => (goOn = resolve)),
    },
  );
  const taken = (): void => {
    const resolve = goOn!;
    goOn = undefined;
    resolve();
  };
  return { node, heights, taken, waiting: () => goOn !== undefined };
}

describe('messages of many users', () => {
  test('that arrive together go into one block', async () => {
    const { node, heights } = await nodeWithIntake();
    const outcomes = await Promise.all([1, 2, 3, 4].map((nonce) => node.submitIngress(request(nonce), 'certificate')));
    expect(outcomes.map(({ kind }) => kind)).toEqual(['certified', 'certified', 'certified', 'certified']);
    expect(heights).toEqual([1]);
  });

  test('that arrive while answers leave go into the next block, which begins when they were taken in', async () => {
    const { node, heights, taken, waiting } = await nodeWithIntake();
    expect((await node.submitIngress(request(1), 'certificate')).kind).toBe('certified');
    expect(waiting()).toBe(true);
    const later: Promise<unknown>[] = [];
    for (const nonce of [2, 3, 4]) {
      later.push(node.submitIngress(request(nonce), 'certificate'));
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(heights).toEqual([1]);
    expect((await node.submitIngress(request(3), 'certificate')).kind).toBe('duplicate');
    expect((await node.submitIngress(request(1), 'certificate')).kind).toBe('certified');
    taken();
    await Promise.all(later);
    expect(heights).toEqual([1, 2]);
  });

  test('are answered before the next batch is executed', async () => {
    const { node, taken, waiting } = await nodeWithIntake();
    await node.submitIngress(request(1), 'certificate');
    expect(node.height).toBe(1);
    const second = node.submitIngress(request(2), 'certificate');
    await Promise.resolve();
    expect(node.height).toBe(1);
    taken();
    await second;
    expect(node.height).toBe(2);
    expect(waiting()).toBe(true);
    expect(node.isBusy).toBe(true);
    taken();
    await node.idle();
    expect(node.isBusy).toBe(false);
  });
});
