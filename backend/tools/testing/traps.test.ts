/** A trap in a test shows the source line: every kind of trap, in debug and release modules. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { IDL } from '@dfinity/candid';
import { Principal } from '@dfinity/principal';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { CallOutcome, EmbeddedNetwork } from '../../../replica/network/embed.ts';
import { expectReply } from '../../../replica/network/embed.ts';
import { APPLICATION_SUBNET } from '../../../replica/types/subnet-config.ts';
import { BACKEND, generateCanister } from '../bindgen/bindgen.ts';
import { buildCanister } from '../builder/build.ts';
import { startTestNetwork } from './network.ts';

const FOLDER = 'tools/testing/assembly/traps';
const KINDS = `${FOLDER}/kinds.ts`;
const LINES = readFileSync(join(BACKEND, KINDS), 'utf8').split('\n');
/** The line of kinds.ts that holds this text, as the message names it. */
const at = (text: string): string => {
  const index = LINES.findIndex((line) => line.includes(text));
  if (index < 0) throw new Error(`no line has ${text}`);
  return `${KINDS}:${index + 1}:`;
};

/** Number of the kind, what the replica says, and the line; of inlined functions a release module knows only the caller's. */
const TRAPS: [kind: number, text: string, line: string, inlined?: 'inlined'][] = [
  [0, 'integer division by 0', 'return a / b'],
  [1, 'unreachable', 'case 1:'],
  [2, 'heap out of bounds', 'case 2:'],
  [3, 'heap out of bounds', 'case 3:'],
  [4, 'heap out of bounds', 'case 4:'],
  [5, 'function invocation does not match its signature', 'case 5:'],
  [6, 'table out of bounds', 'case 6:'],
  [7, 'stack overflow', 'return descend(n +'],
  [8, 'exceeded the limit of', 'case 8:'],
  [9, 'exceeded the limit of', 'case 9:'],
  [10, 'on purpose', 'case 10:', 'inlined'],
  [11, 'an assertion', 'case 11:'],
  [12, 'Index out of range', 'case 12:', 'inlined'],
  [13, 'a throw', 'case 13:'],
  [14, 'stable memory out of bounds', 'case 14:'],
  [15, 'exceeds the slice size', 'case 15:'],
  [16, 'cannot be executed', 'case 16:'],
];

for (const debug of [true, false]) {
  describe(`a trap of a ${debug ? 'debug' : 'release'} module`, () => {
    let net: EmbeddedNetwork;
    let wasm: Uint8Array;
    let here: string;
    let there: string;

    beforeAll(async () => {
      await generateCanister(join(BACKEND, FOLDER), 'traps');
      await buildCanister({ name: 'traps', root: BACKEND, debug, folder: FOLDER });
      wasm = readFileSync(join(BACKEND, 'build', debug ? 'traps.debug.wasm' : 'traps.wasm'));
      // An endless loop needs an end that comes soon.
      const instructions = { ...APPLICATION_SUBNET.instructions, message: 20_000_000, query: 20_000_000 };
      const config = { instructions };
      net = await startTestNetwork({ subnets: [{ kind: 'system' }, { kind: 'application', config }, { kind: 'application', config }] });
      [here, there] = await Promise.all([1, 2].map(async (subnet) => {
        const id = await net.createCanister({ subnet, cycles: 100_000_000_000_000n });
        await net.install(id, wasm, new Uint8Array(IDL.encode([IDL.Bool], [false])));
        return id;
      })) as [string, string];
    });

    // A trap that a test neither was told of nor took fails it.
    afterEach(() => { expect(net.takeUnheardTraps()).toEqual([]); });

    afterAll(async () => { await (net as EmbeddedNetwork | undefined)?.stop(); });

    const messageOf = (outcome: CallOutcome): string => {
      if (outcome.kind === 'reply') throw new Error('it replied');
      return outcome.message;
    };
    const kind = (n: number): Uint8Array => new Uint8Array(IDL.encode([IDL.Nat32], [n]));
    const other = (n: number): Uint8Array => new Uint8Array(IDL.encode([IDL.Principal, IDL.Nat32], [Principal.fromText(there), n]));

    for (const [n, text, line, inlined] of TRAPS) {
      const approximate = !debug && inlined !== undefined;
      it(`shows the line of "${line}" in updates and queries (${text})`, async () => {
        for (const outcome of [await net.update(here, 'fail', kind(n)), await net.query(here, 'fail_in_query', kind(n))]) {
          const message = messageOf(outcome);
          expect(message).toContain(text);
          expect(/^at (.*)$/m.exec(message)?.[1]).toContain(approximate ? `${FOLDER}/` : at(line));
          if (!approximate) expect(message).toContain(LINES.find((l) => l.includes(line))?.trim());
        }
      });
    }

    it('shows the line in what expectReply throws', async () => {
      const outcome = await net.update(here, 'fail', kind(0));
      expect(() => expectReply(outcome)).toThrow(at('return a / b'));
    });

    it('shows the line of a continuation', async () => {
      expect(messageOf(await net.update(here, 'fail_later', other(1)))).toContain(`at ${at('case 1:')}`);
    });

    it('shows the line in the canister that trapped, when another one passes the reject on', async () => {
      const message = messageOf(await net.update(here, 'pass_on', other(13)));
      expect(message).toContain('the other one said');
      expect(message).toContain(`at ${at('case 13:')}`);
    });

    it('shows the line of an init that fails', async () => {
      const failing = net.install(here, wasm, new Uint8Array(IDL.encode([IDL.Bool], [true])), { mode: 'reinstall' });
      await expect(failing).rejects.toThrow(`at ${FOLDER}/lifecycle/init.ts:2:`);
    });

    it('shows the line of a trap in a timer, which no reject tells', async () => {
      expectReply(await net.update(here, 'fail_in_timer', kind(13)));
      await net.time.advance(1);
      expect(net.takeUnheardTraps()).toEqual([expect.stringMatching(new RegExp(
        `^canister_update <kit> timer: Error from Canister ${here}: [^]*a throw[^]*\nat ${at('case 13:')}[^]*\nCanister Backtrace:\n[^]*cdk/timers.ts:`,
      ))]);
    });

    it('shows the line of a trap that the calling canister keeps to itself', async () => {
      expectReply(await net.update(here, 'keep_back', other(13)));
      expect(net.takeUnheardTraps()).toEqual([expect.stringContaining(`\nat ${at('case 13:')}`)]);
    });

    it('says once of each trap that it was not told, and nothing of those that were', async () => {
      expectReply(await net.update(here, 'keep_back', other(13)));
      expectReply(await net.update(here, 'keep_back', other(13)));
      // The words are the same as of those before.
      expect(messageOf(await net.update(here, 'pass_on', other(13)))).toContain(`at ${at('case 13:')}`);
      expect(net.takeUnheardTraps()).toHaveLength(1);
      expect(net.takeUnheardTraps()).toEqual([]);
      messageOf(await net.update(here, 'fail', kind(13)));
      messageOf(await net.query(here, 'fail_in_query', kind(13)));
      expect(net.takeUnheardTraps()).toEqual([]);
    });

    it('adds nothing to a reject that no trap led to', async () => {
      expect(messageOf(await net.update(here, 'no such method', kind(0)))).not.toContain('Backtrace');
    });

    it('names the callers', async () => {
      const message = messageOf(await net.update(here, 'fail', kind(11)));
      expect(message.split('Canister Backtrace:\n')[1]?.split('\n')).toEqual(debug
        ? ['abort (cdk/abort.ts:12:3)', `failing (${at('case 11:')}14)`, `fail (${FOLDER}/updates/fail.ts:4:10)`, expect.stringMatching(/^entry_0 \(generated\/traps\/main\.ts:\d+:\d+\)$/) as string]
        : ['cdk/abort-short.ts:8:3', `${at('case 11:')}14`, `${FOLDER}/updates/fail.ts:4:10`]);
    });
  });
}
