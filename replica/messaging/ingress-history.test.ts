import { describe, expect, test } from 'vitest';
import { decodeSubnetState, encodeSubnetState } from '../state/codec.ts';
import type { IngressStatus, ReplicatedState } from '../state/replicated-state.ts';
import { Principal } from '../types/principal.ts';
import { MAX_HISTORY_ANSWER_BYTES, purgeHistory } from './ingress.ts';
import { SECOND, START, TestNetwork } from './subnets.testing.ts';

const MIB = 1024 * 1024;
const USER = Principal.anonymous();
/** One buffer, one string: what is counted is what the answers would take. */
const REPLY: IngressStatus = { kind: 'replied', reply: new Uint8Array(2 * MIB) };
const REJECT: IngressStatus = { kind: 'rejected', error: { code: 406, message: 'x'.repeat(2 * MIB) } };

function historyOf(count: number, status: IngressStatus): ReplicatedState {
  const { state } = new TestNetwork().subnet;
  for (let at = 0; at < count; at++) {
    const messageId = at.toString(16).padStart(64, '0');
    state.setIngress({ messageId, sender: USER, receiver: USER, effectiveCanisterId: USER, methodName: 'm', status, forgetAtNanos: START + BigInt(at) });
  }
  return state;
}

function kinds(state: ReplicatedState): string[] {
  return [...state.ingressHistory.values()].map(({ status }) => status.kind);
}

describe('answers in the history', () => {
  test.each([
    ['replies', REPLY],
    ['rejects', REJECT],
  ])('that are %s become done, the oldest first, at once when they are too large together', (_, status) => {
    const state = historyOf(300, status);
    expect(state.answerBytes).toBeGreaterThan(MAX_HISTORY_ANSWER_BYTES);
    purgeHistory(state, START - 2n, START - 1n);
    expect(kinds(state)).toEqual([...Array<string>(108).fill('done'), ...Array<string>(192).fill(status.kind)]);
    expect(state.answerBytes).toBe(384 * MIB);
  });

  test('stay when they fit', () => {
    const state = historyOf(256, REPLY);
    purgeHistory(state, START - 2n, START - 1n);
    expect(kinds(state)).toEqual(Array<string>(256).fill('replied'));
  });

  test('are no longer counted once forgotten, nor twice when set again, and are counted after a load', () => {
    const state = historyOf(3, { kind: 'replied', reply: new Uint8Array(5) });
    for (const entry of [...state.ingressHistory.values()]) state.setIngress({ ...entry });
    expect(state.answerBytes).toBe(15);
    expect(decodeSubnetState(encodeSubnetState(state), state.topology).answerBytes).toBe(15);
    purgeHistory(state, START, START + 20n * SECOND);
    expect([state.answerBytes, state.ingressHistory.size]).toEqual([0, 0]);
  });
});
