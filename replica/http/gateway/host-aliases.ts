/**
 * Friendly host names of canisters.
 *
 * Two kinds of files, both re-read when they change on disk, because canister ids are known only after a deployment:
 * - JSON: `{"parley": "<canister id>"}`; a name without a dot stands for `<name>.localhost`.
 * - text (the CLI launcher's custom domains): one `<host>:<canister id>` a line.
 * A file that is missing contributes nothing. Of a broken one the previous content is kept, and a warning says so.
 */
import { readFileSync, statSync } from 'node:fs';
import { Principal } from '../../types/principal.ts';

interface Source {
  readonly path: string;
  /** Modification time and size of what was read last. */
  stamp: string;
  names: ReadonlyMap<string, Uint8Array>;
}

export class HostAliases {
  readonly #fixed: ReadonlyMap<string, Uint8Array>;
  readonly #sources: Source[];
  readonly #warn: (text: string) => void;

  /** `fixed`: host names to canister ids in text form. Throws if one of those is not a principal. */
  constructor(fixed: Readonly<Record<string, string>> = {}, files: readonly string[] = [], warn: (text: string) => void = () => {}) {
    this.#warn = warn;
    this.#fixed = new Map(Object.entries(fixed).map(([name, id]) => [hostName(name), Principal.fromText(id).bytes]));
    this.#sources = files.map((path) => ({ path, stamp: '', names: new Map() }));
  }

  /** `host` in lower case, without a port. */
  canisterFor(host: string): Uint8Array | undefined {
    for (const source of this.#sources) {
      refresh(source, this.#warn);
      const found = source.names.get(host);
      if (found !== undefined) return found;
    }
    return this.#fixed.get(host);
  }

  hosts(): string[] {
    for (const source of this.#sources) refresh(source, this.#warn);
    return [...new Set([...this.#sources.flatMap((source) => [...source.names.keys()]), ...this.#fixed.keys()])];
  }
}

function hostName(name: string): string {
  const lower = name.toLowerCase();
  return lower.includes('.') ? lower : `${lower}.localhost`;
}

/** Says what is wrong with a file once for each version of it. */
function refresh(source: Source, warn: (text: string) => void): void {
  let text: string;
  try {
    const { mtimeMs, size } = statSync(source.path);
    const stamp = `${mtimeMs} ${size}`;
    if (stamp === source.stamp) return;
    text = readFileSync(source.path, 'utf8');
    source.stamp = stamp;
  } catch {
    source.names = new Map();
    source.stamp = '';
    return;
  }
  const wrong: string[] = [];
  const names = source.path.endsWith('.json') ? parseJson(text, wrong) : parseLines(text, wrong);
  if (names !== undefined) source.names = names;
  if (wrong.length === 0) return;
  const kept = names === undefined ? 'what it held before is used' : 'the rest of it is used';
  warn(`${source.path} is damaged (${wrong.join('; ')}); ${kept}; deploy again, or write it anew`);
}

function parseJson(text: string, wrong: string[]): Map<string, Uint8Array> | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    wrong.push((error as Error).message);
    return undefined;
  }
  if (typeof value !== 'object' || value === null) {
    wrong.push('it holds no names');
    return undefined;
  }
  return namesOf(Object.entries(value), wrong);
}

function parseLines(text: string, wrong: string[]): Map<string, Uint8Array> {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  return namesOf(
    lines.map((line) => {
      const colon = line.lastIndexOf(':');
      return [line.slice(0, Math.max(colon, 0)).trim(), line.slice(colon + 1).trim()];
    }),
    wrong,
  );
}

function namesOf(entries: readonly (readonly [string, unknown])[], wrong: string[]): Map<string, Uint8Array> {
  const names = new Map<string, Uint8Array>();
  for (const [name, id] of entries) {
    const principal = typeof id === 'string' ? Principal.tryFromText(id) : undefined;
    if (name !== '' && principal !== undefined) names.set(hostName(name), principal.bytes);
    else wrong.push(`${JSON.stringify(name)} has no canister id`);
  }
  return names;
}
