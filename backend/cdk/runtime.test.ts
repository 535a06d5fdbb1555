import { beforeAll, describe, expect, it } from 'vitest';
import { Random } from './candid/random-candid.ts';
import type { TestModule } from '../tools/testing/module.ts';
import { compileForTest, instantiate } from '../tools/testing/module.ts';

type Fixture = Record<string, (...args: number[]) => number>;

interface Node { id: number; links: (Node | null)[]; bytes: number[] | null; one: Node | null; names: Map<number, string> | undefined }

/** The same graph with JavaScript's collector. */
class Model {
  roots: (Node | null)[] = Array.from({ length: 16 }, () => null);
  favourite: Node | null = null;
  index = new Map<number, Node>();
  rawSize = 0;
  node = (id: number, leaf = false): Node => ({ id, links: [], bytes: null, one: null, names: leaf ? new Map() : undefined });

  digest(): number {
    let h = 1;
    const mix = (x: number): void => { h = Math.imul(h ^ x, 0x01000193) >>> 0; };
    const text = (t: string): void => { for (const c of t) mix(c.charCodeAt(0)); };
    const visit = (n: Node | null, depth: number): void => {
      if (n === null) {
        mix(7);
        return;
      }
      mix(n.id);
      text(`node ${n.id}`);
      for (const b of n.bytes ?? []) mix(b);
      if (depth === 0) return;
      visit(n.one, depth - 1);
      mix(n.links.length);
      for (const l of n.links) visit(l, depth - 1);
      for (const [k, v] of n.names ?? []) {
        mix(k);
        text(v);
      }
    };
    for (const r of this.roots) visit(r, 3);
    visit(this.favourite, 3);
    for (const [k, v] of this.index) {
      mix(k);
      visit(v, 3);
    }
    for (let k = 0; k < this.rawSize; k++) mix((k * 13) & 255);
    return h;
  }
}

describe('memory of a canister', () => {
  let code: { bytes: Uint8Array; sourceMap: string | undefined };
  const fresh = (): { out: Fixture; module: TestModule } => {
    const module = instantiate(code.bytes, undefined, code.sourceMap);
    return { out: module.exports as unknown as Fixture, module };
  };

  beforeAll(async () => { code = await compileForTest('cdk/runtime.fixture.ts'); });

  it('keeps what is referenced and nothing else breaks, over thousands of random messages', { timeout: 60_000 }, () => {
    for (let seed = 1; seed <= 12; seed++) {
      const r = new Random(seed);
      const { out } = fresh();
      const m = new Model();
      let id = 1;
      for (let message = 0; message < 1500; message++) {
        for (let n = r.below(4); n >= 0; n--) {
          const i = r.below(16);
          const j = r.below(16);
          const root = m.roots[i] ?? null;
          switch (r.below(14)) {
            case 0: {
              id++;
              out['setRoot']?.(i, id);
              m.roots[i] = m.node(id, (id & 1) !== 0);
              break;
            }
            case 1: if (r.below(4) === 0) {
              out['clearRoot']?.(i);
              m.roots[i] = null;
            } break;
            case 2: out['setFavourite']?.(i); m.favourite = root; break;
            case 3: out['newFavourite']?.(++id); m.favourite = m.node(id); break;
            case 4: case 5: {
              out['grow']?.(i, ++id);
              if (root) (root.one !== null && (id & 2) !== 0 ? root.one : root).links.push(m.node(id));
              break;
            }
            case 6: out['setOne']?.(i, ++id); if (root) root.one = m.node(id, true); break;
            case 7: {
              out['share']?.(i, j);
              const other = m.roots[j] ?? null;
              if (root && other) root.links.push(other.one);
              break;
            }
            case 8: out['dropLast']?.(i); root?.links.pop(); break;
            case 9: {
              const size = r.below(10) === 0 ? r.below(20_000) : r.below(200);
              out['setBytes']?.(i, size);
              if (root) root.bytes = Array.from({ length: size }, (_, k) => (k * 7 + root.id) & 255);
              break;
            }
            case 10: out['put']?.(j, ++id); m.index.set(j, m.node(id)); break;
            case 11: out['forget']?.(j); m.index.delete(j); break;
            case 12: out['name']?.(i, j); root?.names?.set(j, `name ${j}`); break;
            default: {
              const size = r.below(3) === 0 ? 0 : r.below(5000);
              if (size === 0 && m.rawSize === 0) break;
              out['rawResize']?.(size);
              m.rawSize = size;
            }
          }
          out['garbage']?.(r.below(100));
        }
        out['end']?.();
        // Message garbage lands where forgotten objects were.
        out['garbage']?.(r.below(50));
        if (message % 5 === 0) expect({ seed, message, digest: (out['digest']?.() ?? 0) >>> 0 }).toEqual({ seed, message, digest: m.digest() });
      }
      expect((out['digest']?.() ?? 0) >>> 0).toBe(m.digest());
    }
  });

  it('stays flat when messages leave nothing behind', () => {
    const { out } = fresh();
    out['setRoot']?.(0, 2);
    out['garbage']?.(2000);
    out['end']?.();
    out['garbage']?.(2000);
    out['end']?.();
    const pages = out['memoryPages']?.();
    for (let i = 0; i < 2000; i++) {
      out['garbage']?.(2000);
      out['end']?.();
    }
    expect(out['memoryPages']?.()).toBe(pages);
  });

  it('stays in proportion to what is alive when every message leaves garbage behind', () => {
    const { out } = fresh();
    for (let i = 0; i < 20_000; i++) {
      out['setRoot']?.(i & 15, i);
      out['setBytes']?.(i & 15, 2000);
      out['garbage']?.(20);
      out['end']?.();
    }
    // 16 × 2 kB alive; a collection comes when 1 MiB has been left behind.
    expect(out['memoryPages']?.()).toBeLessThan(30);
  });
});
