import { describe, expect, test } from 'vitest';
import type { ToWorker } from './worker-messages.ts';
import { PendingCalls } from './worker-node.ts';

function callsOf(): { calls: PendingCalls; posted: ToWorker[] } {
  const posted: ToWorker[] = [];
  return { calls: new PendingCalls((message) => posted.push(message)), posted };
}

describe('calls to a worker', () => {
  test('settle with what the worker answers, whatever the order', async () => {
    const { calls, posted } = callsOf();
    const [first, second] = [calls.api.idle(), calls.api.sliceFor(Uint8Array.of(1))];
    const [firstId, secondId] = posted.map((message) => (message.kind === 'call' ? message.id : 0));
    calls.settle(secondId!)!.resolve(Uint8Array.of(7));
    calls.settle(firstId!)!.reject(new Error('no'));
    expect(await second).toEqual(Uint8Array.of(7));
    await expect(first).rejects.toThrow('no');
  });

  test('that wait when its thread ends fail, and so do later ones', async () => {
    const { calls, posted } = callsOf();
    const waiting = calls.api.overview('summary');
    calls.fail('the worker ended');
    await expect(waiting).rejects.toThrow('the worker ended');
    await expect(calls.api.overview('summary')).rejects.toThrow('the worker ended');
    expect(posted.length).toBe(1);
  });

  test('to stop a thread that ended resolve: a network with a dead worker can be shut down', async () => {
    const { calls } = callsOf();
    calls.fail('the worker ended');
    await calls.api.stop({ crash: false });
    expect(calls.stopping).toBe(true);
  });
});
