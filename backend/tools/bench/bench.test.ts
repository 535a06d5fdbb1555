import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { measure, TABLE } from './bench.ts';
import type { Figure } from './figures.ts';

/** A figure may be this much above its committed row: below it, noise of unrelated changes. */
const SLACK = 1.02;

describe('bench', () => {
  it('no figure is worse than the committed table, and none misses its bar', { timeout: 300_000 }, async () => {
    const table = new Map((existsSync(TABLE) ? (JSON.parse(readFileSync(TABLE, 'utf8')) as Figure[]) : []).map((f) => [f.name, f]));
    const figures = await measure();
    const worse = figures.filter((f) => f.value > (table.get(f.name)?.value ?? Infinity) * SLACK).map((f) => `${f.name}: ${f.value}, table ${table.get(f.name)?.value ?? 0}`);
    const missed = figures.filter((f) => f.bar !== undefined && f.value > f.bar).map((f) => `${f.name}: ${f.value}, bar ${f.bar ?? 0}`);
    const unlisted = figures.filter((f) => !table.has(f.name)).map((f) => f.name);
    const gone = [...table.keys()].filter((name) => !figures.some((f) => f.name === name));
    expect({ worse, missed, unlisted, gone }).toEqual({ worse: [], missed: [], unlisted: [], gone: [] });
  });
});
