/**
 * The embedded network for tests of canisters: a reject that comes from a trap says on which line of
 * the source, for every module that the build made. A trap that no reject tells the test of (in a
 * timer, a heartbeat, a hook, a callback, a call that another canister made) says the same in
 * `takeUnheardTraps()`, or on standard error when the network stops:
 *
 *     expect(net.takeUnheardTraps()).toEqual([]);
 *
 *     Error from Canister …: Canister trapped: integer division by 0.
 *     …
 *     at canisters/shop/updates/share.ts:7:10
 *         return total / people;
 *     Canister Backtrace:
 *     share (canisters/shop/updates/share.ts:7:10)
 *     …
 */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { EmbeddedNetwork, NetworkOptions } from '../../../replica/network/embed.ts';
import { startNetwork } from '../../../replica/network/embed.ts';
import type { TrapReport } from '../../../replica/network/traps.ts';
import { BACKEND } from '../bindgen/bindgen.ts';
import type { Place } from './source-lines.ts';
import { culprit, SourceLines, spell } from './source-lines.ts';

export function startTestNetwork(options: NetworkOptions = {}, root: string = BACKEND): Promise<EmbeddedNetwork> {
  const maps = new BuiltMaps(join(root, 'build'));
  return startNetwork({ explainTrap: (trap) => explain(trap, maps.of(trap.moduleHash)), onUnheardTraps: print, ...options });
}

function print(traps: readonly string[]): void {
  console.error(['Traps that no reject told the test of (takeUnheardTraps takes them):', ...traps].join('\n\n'));
}

/** The source maps below build/, by the hash of the module (plain or compressed) that they belong to. */
class BuiltMaps {
  readonly #folder: string;
  readonly #known = new Map<string, SourceLines | undefined>();

  constructor(folder: string) { this.#folder = folder; }

  of(moduleHash: Uint8Array): SourceLines | undefined {
    const wanted = Buffer.from(moduleHash).toString('hex');
    if (!this.#known.has(wanted)) this.#known.set(wanted, this.#find(wanted));
    return this.#known.get(wanted);
  }

  #find(wanted: string): SourceLines | undefined {
    if (!existsSync(this.#folder)) return undefined;
    for (const name of readdirSync(this.#folder)) {
      const [, base] = /^(.*\.wasm)(?:\.gz)?$/.exec(name) ?? [];
      if (base === undefined || !existsSync(join(this.#folder, `${base}.map`))) continue;
      const hash = createHash('sha256').update(readFileSync(join(this.#folder, name))).digest('hex');
      if (hash === wanted) return new SourceLines(readFileSync(join(this.#folder, `${base}.map`), 'utf8'));
    }
    return undefined;
  }
}

/** "canisters/shop/updates/share/share" → "share"; "~lib/array/Array<~lib/string/String>#push" → "Array<String>#push". */
const shortName = (name: string): string => name.replace(/[^<>,|]*\//g, '');

function explain(trap: TrapReport, lines: SourceLines | undefined): string | undefined {
  const frames = trap.frames();
  if (frames.length === 0 || (lines === undefined && frames.every((f) => f.name === undefined))) return undefined;
  const places = frames.map(({ offset, functionEnd }) => lines?.at(offset, functionEnd));
  const place = culprit(places, false);
  return [
    ...(place === undefined ? [] : [`at ${spell(place)}`, ...(place.text === undefined ? [] : [`    ${place.text}`])]),
    'Canister Backtrace:',
    ...frames.map(({ name, functionIndex }, i) => spellFrame(name, functionIndex, places[i])),
  ].join('\n');
}

function spellFrame(name: string | undefined, functionIndex: number, place: Place | undefined): string {
  if (name === undefined) return place === undefined ? `unknown function at index ${functionIndex}` : spell(place);
  return place === undefined ? shortName(name) : `${shortName(name)} (${spell(place)})`;
}
