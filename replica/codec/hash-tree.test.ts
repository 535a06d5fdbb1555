import { lookup_path, LookupPathStatus, reconstruct, Cbor as AgentCbor } from '@dfinity/agent';
import type { HashTree as AgentTree } from '@dfinity/agent';
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { compareBytes, fromHex, toHex, utf8 } from './bytes.ts';
import { CborError } from './cbor.ts';
import {
  children,
  decodeHashTree,
  deletePath,
  EMPTY,
  encodeHashTree,
  Fork,
  getPath,
  HashTreeError,
  isWellFormed,
  Labeled,
  leaf,
  lookup,
  lookupLeaf,
  mapDelete,
  mapGet,
  mapOf,
  mapSet,
  Pruned,
  setPath,
  treeOf,
  witness,
} from './hash-tree.ts';
import type { HashTree } from './hash-tree.ts';

// Properties with many runs: on a busy machine they take their time.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const SPEC_TREE =
  '8301830183024161830183018302417882034568656c6c6f810083024179820345776f726c6483024162820344676f6f6483018302416381' +
  '00830241648203476d6f726e696e67';
const SPEC_ROOT = 'eb5c5b2195e62d996b84c9bcc8259d19a83786a2f59e0878cec84c811f669aa0';
const SPEC_PRUNED =
  '83018301830241618301820458201b4feff9bef8131788b0c9dc6dbad6e81e524249c879e9f10f71ce3749f5a63883024179820345776f72' +
  '6c6483024162820458207b32ac0c6ba8ce35ac82c255fc7906f7fc130dab2a090f80fe12f9c2cae83ba6830182045820ec8324b8a1f1ac16' +
  'bd2e806edba78006479c9877fed4eb464a25485465af601d830241648203476d6f726e696e67';

function path(...labels: string[]): Uint8Array[] {
  return labels.map(utf8);
}

describe('the hash tree of the interface specification', () => {
  const tree = decodeHashTree(fromHex(SPEC_TREE));

  it('has the published root hash', () => {
    expect(toHex(tree.digest())).toBe(SPEC_ROOT);
  });

  it('is written as published', () => {
    expect(toHex(encodeHashTree(tree))).toBe(SPEC_TREE);
  });

  it('is read in pruned form with the same root and the published lookups', () => {
    const pruned = decodeHashTree(fromHex(SPEC_PRUNED));
    expect(toHex(pruned.digest())).toBe(SPEC_ROOT);
    expect(lookup(pruned, path('a', 'a')).kind).toBe('unknown');
    expect(lookup(pruned, path('a', 'y')).kind).toBe('found');
    expect(lookup(pruned, path('aa')).kind).toBe('absent');
    expect(lookup(pruned, path('ax')).kind).toBe('absent');
    expect(lookup(pruned, path('b')).kind).toBe('unknown');
    expect(lookup(pruned, path('bb')).kind).toBe('unknown');
    expect(new TextDecoder().decode(lookupLeaf(pruned, path('d'))!)).toBe('morning');
    expect(lookup(pruned, path('e')).kind).toBe('absent');
  });
});

/** A nested map as the naive model of a tree. */
type Model = Map<string, Model | Uint8Array>;

const labelArbitrary = fc.uint8Array({ minLength: 0, maxLength: 3 });

function agentTree(tree: HashTree): AgentTree {
  return AgentCbor.decode<AgentTree>(encodeHashTree(tree));
}

describe('maps of labels', () => {
  it('follow a naive map through random updates, and their shape does not depend on history', () => {
    const operation = fc.tuple(fc.constantFrom('set', 'set', 'set', 'delete'), labelArbitrary, fc.uint8Array({ maxLength: 4 }));
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 60 }), (operations) => {
        const model = new Map<string, Uint8Array>();
        let tree: HashTree = EMPTY;
        for (const [what, at, value] of operations) {
          if (what === 'set') {
            model.set(toHex(at), value);
            tree = mapSet(tree, at, leaf(value));
          } else {
            model.delete(toHex(at));
            tree = mapDelete(tree, at);
          }
        }
        const expected = [...model].map(([k, v]) => [fromHex(k), v] as const).sort((a, b) => compareBytes(a[0], b[0]));
        expect([...children(tree)].map((c) => toHex(c.label))).toEqual(expected.map(([k]) => toHex(k)));
        for (const [k, v] of expected) expect(mapGet(tree, k)).toEqual(leaf(v));
        expect(isWellFormed(tree)).toBe(true);
        expect(toHex(tree.digest())).toBe(toHex(mapOf(expected.map(([k, v]) => [k, leaf(v)] as const)).digest()));
      }),
      { numRuns: 300 },
    );
  });

  it('share untouched subtrees, digests included', () => {
    const many = mapOf(Array.from({ length: 1000 }, (_, i) => [Uint8Array.of(i >> 8, i), leaf(utf8(`${i}`))] as const));
    const changed = mapSet(many, Uint8Array.of(1, 2), leaf(utf8('new')));
    const before = new Set<HashTree>();
    const collect = (tree: HashTree): void => {
      before.add(tree);
      if (tree.kind === 'fork') {
        collect(tree.left);
        collect(tree.right);
      }
    };
    collect(many);
    let fresh = 0;
    const count = (tree: HashTree): void => {
      if (before.has(tree)) return;
      fresh += 1;
      if (tree.kind === 'fork') {
        count(tree.left);
        count(tree.right);
      }
    };
    count(changed);
    expect(fresh).toBeLessThanOrEqual(14);
  });

  it('refuse a label that occurs twice', () => {
    expect(() => mapOf([[utf8('a'), EMPTY], [utf8('a'), EMPTY]])).toThrow(HashTreeError);
  });

  it('set, get and delete along paths', () => {
    let tree = setPath(EMPTY, path('canister', 'x', 'controllers'), leaf(utf8('c')));
    tree = setPath(tree, path('canister', 'x', 'module_hash'), leaf(utf8('m')));
    expect(getPath(tree, path('canister', 'x', 'controllers'))).toEqual(leaf(utf8('c')));
    const without = deletePath(tree, path('canister', 'x', 'module_hash'));
    expect(toHex(without.digest())).toBe(toHex(treeOf({ canister: { x: { controllers: utf8('c') } } }).digest()));
    expect(deletePath(tree, path('canister', 'y', 'z'))).toBe(tree);
  });
});

const modelArbitrary = fc.letrec<{ node: Model | Uint8Array; map: Model }>((tie) => ({
  node: fc.oneof({ maxDepth: 3 }, fc.uint8Array({ maxLength: 3 }), tie('map')),
  map: fc.array(fc.tuple(labelArbitrary, tie('node')), { maxLength: 6 }).map((entries) => new Map(entries.map(([k, v]) => [toHex(k), v]))),
}));

function build(model: Model | Uint8Array): HashTree {
  if (model instanceof Uint8Array) return leaf(model);
  return mapOf([...model].map(([k, v]) => [fromHex(k), build(v)] as const));
}

function lookupModel(model: Model | Uint8Array, at: readonly Uint8Array[]): Model | Uint8Array | undefined {
  let node: Model | Uint8Array | undefined = model;
  for (const step of at) node = node instanceof Map ? node.get(toHex(step)) : undefined;
  return node;
}

/** Whether a label on the path stands beside one that it begins with. */
function passesPrefix(model: Model, at: readonly Uint8Array[]): boolean {
  let node: Model | Uint8Array | undefined = model;
  for (const step of at) {
    if (!(node instanceof Map)) return false;
    const wanted = toHex(step);
    if ([...node.keys()].some((key) => key !== wanted && wanted.startsWith(key))) return true;
    node = node.get(wanted);
  }
  return false;
}

describe('witnesses', () => {
  const pathArbitrary = fc.array(labelArbitrary, { maxLength: 3 });

  it('keep the root hash and prove presence and absence of every requested path, for us and for the official agent', async () => {
    await fc.assert(
      fc.asyncProperty(modelArbitrary.map, fc.array(pathArbitrary, { minLength: 1, maxLength: 4 }), async (model, paths) => {
        const tree = build(model);
        const pruned = decodeHashTree(encodeHashTree(witness(tree, paths)));
        expect(toHex(pruned.digest())).toBe(toHex(tree.digest()));
        expect(isWellFormed(pruned)).toBe(true);
        const theirs = agentTree(pruned);
        expect(toHex(new Uint8Array(await reconstruct(theirs)))).toBe(toHex(tree.digest()));
        for (const at of paths) {
          const expected = lookupModel(model, at);
          const found = lookup(pruned, at);
          expect(found.kind).toBe(expected === undefined ? 'absent' : 'found');
          if (found.kind === 'found') expect(toHex(encodeHashTree(found.tree))).toBe(toHex(encodeHashTree(build(expected!))));
          const status = lookup_path([...at], theirs).status;
          // The agent's order of labels is wrong for some pairs: a label that begins with another is not greater to it, and
          // it goes on comparing after the first difference. So presence is compared where no sibling is a beginning of
          // the label, and absence for labels of one byte.
          if (expected instanceof Uint8Array && !passesPrefix(model, at)) expect(status).toBe(LookupPathStatus.Found);
          if (expected === undefined && at.every((l) => l.length <= 1)) expect([LookupPathStatus.Absent, LookupPathStatus.Error]).toContain(status);
        }
      }),
      { numRuns: 400 },
    );
  });

  it('are the same from a tree of ours, by its bits, as from one that came from elsewhere, by its labels', () => {
    fc.assert(
      fc.property(modelArbitrary.map, fc.array(pathArbitrary, { minLength: 1, maxLength: 4 }), (model, paths) => {
        const ours = build(model);
        const elsewhere = decodeHashTree(encodeHashTree(ours));
        expect(toHex(encodeHashTree(witness(ours, paths)))).toBe(toHex(encodeHashTree(witness(elsewhere, paths))));
      }),
      { numRuns: 400 },
    );
  });

  it('reveal nothing but the requested paths and their neighbours', () => {
    const tree = treeOf({ a: { x: utf8('1'), y: utf8('2') }, b: utf8('3'), c: { z: utf8('4') }, d: utf8('5') });
    const pruned = witness(tree, [path('a', 'y')]);
    expect(lookup(pruned, path('a', 'x')).kind).toBe('unknown');
    expect(lookup(pruned, path('b')).kind).toBe('unknown');
    expect(lookup(pruned, path('c', 'z')).kind).toBe('unknown');
  });

  it('prune what is hidden below a revealed path', () => {
    const tree = treeOf({ subnet: { s: { key: utf8('k'), metrics: utf8('m') } }, time: utf8('t') });
    const hide = (at: readonly Uint8Array[]): boolean => new TextDecoder().decode(at[at.length - 1]) === 'metrics';
    const pruned = witness(tree, [path('subnet')], hide);
    expect(toHex(pruned.digest())).toBe(toHex(tree.digest()));
    expect(lookup(pruned, path('subnet', 's', 'key')).kind).toBe('found');
    expect(lookup(pruned, path('subnet', 's', 'metrics')).kind).toBe('unknown');
    expect(lookup(witness(tree, [path('subnet', 's', 'metrics')], hide), path('subnet', 's', 'metrics')).kind).toBe('unknown');
  });
});

describe('hash trees from elsewhere', () => {
  it.each([
    ['labels out of order', new Fork(new Labeled(utf8('b'), EMPTY), new Labeled(utf8('a'), EMPTY))],
    ['a repeated label', new Fork(new Labeled(utf8('a'), EMPTY), new Labeled(utf8('a'), EMPTY))],
    ['a leaf beside a label', new Fork(new Labeled(utf8('a'), EMPTY), leaf(utf8('v')))],
    ['disorder below a label', new Labeled(utf8('x'), new Fork(new Labeled(utf8('b'), EMPTY), new Labeled(utf8('a'), EMPTY)))],
  ])('are not well-formed with %s', (_, tree) => {
    expect(isWellFormed(tree)).toBe(false);
  });

  it('tell nothing about a label that may hide in a pruned sibling', () => {
    const hidden = new Pruned(new Uint8Array(32));
    const tree = new Fork(new Labeled(utf8('a'), EMPTY), new Fork(hidden, new Labeled(utf8('c'), EMPTY)));
    expect(lookup(tree, path('b')).kind).toBe('unknown');
    expect(lookup(tree, path('d')).kind).toBe('absent');
    expect(lookup(tree, path('A')).kind).toBe('absent');
  });

  it.each(['80', '8105', '8101', '820300', '82044100', '8302616100', 'a0', '00'])('are refused: %s', (hex) => {
    expect(() => decodeHashTree(fromHex(hex))).toThrow(HashTreeError);
  });

  it('are refused or read, but never crash, when their bytes are changed', () => {
    fc.assert(
      fc.property(fc.nat(), fc.nat(255), (position, value) => {
        const bytes = fromHex(SPEC_TREE);
        bytes[position % bytes.length] = value;
        try {
          lookup(decodeHashTree(bytes), path('a', 'y'));
        } catch (error) {
          expect(error instanceof HashTreeError || error instanceof CborError).toBe(true);
        }
      }),
      { numRuns: 3000 },
    );
  });
});
