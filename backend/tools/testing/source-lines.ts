/** From byte offsets in a compiled module to lines of its source, by the map that the build wrote. */
import type { SourceMapping } from 'node:module';
import { SourceMap } from 'node:module';

export interface Place {
  /** Relative to backend/, or ~lib/… of the compiler. */
  source: string;
  /** Both count from 1. */
  line: number;
  column: number;
  /** The line itself, if the map carries the source. */
  text: string | undefined;
}

/** What only passes a trap on: the line of interest is the caller's. */
const MESSENGERS = /^(~lib\/|cdk\/(abort|abort-short|api|ic0|runtime|candid\/fail)\.ts$)/;
/** What a canister's author did not write. */
const KIT = /^(~lib|cdk|generated)\//;

export class SourceLines {
  readonly #map: SourceMap;
  readonly #contents: Map<string, string>;

  constructor(json: string) {
    const map = JSON.parse(json) as { sources: string[]; sourcesContent?: (string | null)[] };
    this.#map = new SourceMap(map as never);
    this.#contents = new Map(map.sources.map((source, i) => [source, map.sourcesContent?.[i] ?? '']));
  }

  /** The place of an instruction, or of the next one before `end` that has a place: the first of a block may have none. */
  at(offset: number, end: number = offset + 1): Place | undefined {
    for (let at = offset; at < end; at++) {
      const entry = this.#map.findEntry(0, at) as Partial<SourceMapping>;
      if (entry.originalSource !== undefined) return this.#place(entry as SourceMapping);
    }
    return undefined;
  }

  #place(entry: SourceMapping): Place {
    const { originalSource: source, originalLine, originalColumn } = entry;
    const text = this.#contents.get(source)?.split('\n')[originalLine]?.trim();
    return { source, line: originalLine + 1, column: originalColumn + 1, text: text === '' ? undefined : text };
  }
}

/** The innermost place of interest: of the canister's author if there is one, unless the kit itself is tested. */
export function culprit(places: (Place | undefined)[], kitItself: boolean): Place | undefined {
  const known = places.filter((p) => p !== undefined);
  const own = kitItself ? undefined : known.find((p) => !KIT.test(p.source));
  return own ?? known.find((p) => !MESSENGERS.test(p.source)) ?? known[0];
}

export const spell = ({ source, line, column }: Place): string => `${source}:${line}:${column}`;
