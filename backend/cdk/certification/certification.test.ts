// The certified tree against @dfinity/agent's digests and the replica's lookups, by random operations. (The agent's
// own lookup orders labels by length first, so absence is asked of the replica's codec.)

import { Cbor, LookupPathStatus, lookup_path, reconstruct } from "@dfinity/agent";
import { Principal } from "@dfinity/principal";
import fc from "fast-check";
import { createHash } from "node:crypto";
import { fileURLToPath } from "node:url";
import { decodeHashTree, isWellFormed, lookup, lookupLeaf } from "../../../replica/codec/hash-tree.ts";
import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import { compilePure, runPure, StableBytes } from "../stable/testing/pure-module.ts";


type Any = any; // eslint-disable-line @typescript-eslint/no-explicit-any -- exports of a Wasm module

let x: Any;

beforeAll(async () => {
  const module = new WebAssembly.Module(await compilePure(fileURLToPath(new URL("testing/certification.ts", import.meta.url))));
  x = runPure(module, new StableBytes());
});

beforeEach(() => x.reset());

const hex = (b: Uint8Array): string => Buffer.from(b).toString("hex");
const text = (s: string): Uint8Array => new TextEncoder().encode(s);
const sha = (b: Uint8Array): Uint8Array => new Uint8Array(createHash("sha256").update(b).digest());

function put(...parts: Uint8Array[]): number {
  const all = Buffer.concat(parts);
  new Uint8Array(x.memory.buffer).set(all, x.io.value);
  return all.length;
}
const take = (n: number): Uint8Array => new Uint8Array(x.memory.buffer).slice(x.io.value, x.io.value + n);
const pathBytes = (path: Uint8Array[]): Uint8Array => Buffer.concat([Buffer.from([path.length]), ...path.flatMap((p) => [Buffer.from([p.length]), p])]);
const set = (path: Uint8Array[], value: Uint8Array): void => x.setPath(put(pathBytes(path), value));
const remove = (path: Uint8Array[]): boolean => {
  put(pathBytes(path));
  return x.removePath() === 1;
};
const digest = (): string => hex(take(x.digest()));
const witness = (paths: Uint8Array[][]): Any => {
  put(...paths.map(pathBytes));
  return Cbor.decode(take(x.witness(paths.length)));
};

const label = fc.oneof(fc.constantFrom("", "a", "ab", "abc", "b", "\u0000", "a\u0000").map(text), fc.uint8Array({ maxLength: 5 }), fc.uint8Array({ minLength: 32, maxLength: 32 }));

describe("certified tree", () => {
  test("every witness has the tree's digest, and reveals or disproves every path asked for", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ a: label, b: label, value: fc.uint8Array({ maxLength: 20 }), remove: fc.boolean() }), { maxLength: 60 }),
        fc.array(fc.tuple(label, label), { minLength: 1, maxLength: 4 }),
        async (ops, asked) => {
          x.reset();
          const model = new Map<string, Uint8Array>();
          for (const op of ops) {
            const key = `${hex(op.a)}/${hex(op.b)}`;
            if (op.remove) expect(remove([op.a, op.b])).toBe(model.delete(key));
            else {
              set([op.a, op.b], op.value);
              model.set(key, op.value);
            }
          }
          const existing = ops.slice(0, 3).map((op): [Uint8Array, Uint8Array] => [op.a, op.b]);
          const paths = [...asked, ...existing];
          expect(hex(await reconstruct(witness(paths)))).toBe(digest());
          put(...paths.map(pathBytes));
          const tree = decodeHashTree(take(x.witness(paths.length)));
          expect(isWellFormed(tree)).toBe(true);
          for (const [a, b] of paths) {
            const value = model.get(`${hex(a)}/${hex(b)}`);
            if (value === undefined) expect(lookup(tree, [a, b]).kind).toBe("absent");
            else expect(hex(lookupLeaf(tree, [a, b])!)).toBe(hex(value));
          }
        },
      ),
      { numRuns: 300 },
    );
  });

  test("the digest depends on the content alone, not on the order of changes", () => {
    fc.assert(
      fc.property(fc.uniqueArray(label, { selector: (l) => hex(l), maxLength: 30 }), fc.array(label, { maxLength: 10 }), (labels, passing) => {
        x.reset();
        for (const l of labels) set([text("x"), l], l);
        const first = digest();
        x.reset();
        const kept = new Set(labels.map((l) => hex(l)));
        for (const l of passing) if (!kept.has(hex(l))) set([text("x"), l], l);
        for (const l of [...labels].reverse()) set([text("x"), l], text("other"));
        digest();
        for (const l of labels) set([text("x"), l], l);
        for (const l of passing) if (!kept.has(hex(l))) remove([text("x"), l]);
        expect(digest()).toBe(first);
      }),
    );
  });

  test("the empty tree and a tree of one leaf have the digests of the specification", () => {
    expect(digest()).toBe(createHash("sha256").update("\x11ic-hashtree-empty").digest("hex"));
    set([text("a")], text("hello"));
    const leaf = createHash("sha256").update("\x10ic-hashtree-leaf").update("hello").digest();
    expect(digest()).toBe(createHash("sha256").update("\x13ic-hashtree-labeled").update("a").update(leaf).digest("hex"));
  });

  test("a witness for one of ten thousand labels stays small", async () => {
    for (let i = 0; i < 10_000; i++) set([text("sig"), sha(text(`${i}`))], new Uint8Array(0));
    const path = [text("sig"), sha(text("777"))];
    put(pathBytes(path));
    expect(x.witness(1)).toBeLessThan(1200);
    expect(hex(await reconstruct(witness([path])))).toBe(digest());
  });
});

describe("canister signatures", () => {
  const seed = new Uint8Array(32).fill(1);
  const message = sha(text("message"));
  const minute = 60_000_000_000n;
  const fetch = (m: Uint8Array): Uint8Array | null => {
    put(seed, m);
    const n = x.signature();
    return n < 0 ? null : take(n);
  };

  test("a prepared signature carries the certificate and a witness of its place; another message has none", async () => {
    put(seed, message);
    expect(x.sign(1000n)).toBe(1);
    set([text("http_expr"), text("x")], text("page"));
    const signature = Cbor.decode(fetch(message)!) as Any;
    expect(Object.keys(signature)).toEqual(["certificate", "tree"]);
    expect(hex(await reconstruct(signature.tree))).toBe(digest());
    const found = lookup_path(["sig", sha(seed), message], signature.tree) as Any;
    expect(found.status).toBe(LookupPathStatus.Found);
    expect(found.value).toHaveLength(0);
    expect(hex(fetch(message)!).startsWith("d9d9f7")).toBe(true);
    expect(fetch(sha(text("other")))).toBeNull();
  });

  test("a signature goes after a minute when others come, and stays when it was prepared again", () => {
    put(seed, message);
    x.sign(0n);
    put(seed, sha(text("b")));
    x.sign(minute / 2n);
    put(seed, message);
    x.sign(minute / 2n + 1n);
    put(seed, sha(text("c")));
    x.sign(minute + 1n);
    expect(fetch(message)).not.toBeNull();
    expect(x.signatures()).toBe(3);
    put(seed, sha(text("d")));
    x.sign(minute * 2n + 2n);
    expect(fetch(message)).toBeNull();
    expect(fetch(sha(text("c")))).toBeNull();
    expect(x.signatures()).toBe(1);
  });

  test("the number held is bounded", () => {
    for (let i = 0; i < 8192; i++) {
      put(seed, sha(text(`${i}`)));
      expect(x.sign(5n)).toBe(1);
    }
    put(seed, message);
    expect(x.sign(6n)).toBe(0);
    put(seed, message);
    expect(x.sign(minute + 10n)).toBe(1);
  });

  test("the public key is the DER of the specification", () => {
    const canister = Principal.fromText("rdmx6-jaaaa-aaaaa-aaadq-cai").toUint8Array();
    put(canister, seed);
    const key = take(x.publicKey(canister.length));
    expect(hex(key)).toBe(`303c300c060a2b0601040183b8430102032c000a${hex(canister)}${hex(seed)}`);
    expect(key).toHaveLength(62);
  });

  test("the hash of a delegation is the one that Internet Identity's own tests publish", () => {
    const key = text("test session public key");
    put(key);
    expect(hex(take(x.delegationHash(key.length, 1_700_000_000_000_000_000n)))).toBe("061d792a31da1cedbbb4ed1a4234c12645d021e6a81ef1598bbe27124f33a4c6");
  });
});

test("the expression and the response hash follow the definition of version 2", () => {
  const expression =
    'default_certification(ValidationArgs{certification:Certification{no_request_certification:Empty{},response_certification:ResponseCertification{certified_response_headers:ResponseHeaderList{headers:["Content-Type","ETag"]}}}})';
  expect(new TextDecoder().decode(take(x.expressionOf()))).toBe(expression);
  const pairs = [
    [text("content-type"), text("text/html")],
    [text("etag"), text("x")],
    [text("ic-certificateexpression"), text(expression)],
    [text(":ic-cert-status"), new Uint8Array([0xc8, 0x01])],
  ].map(([k, v]) => Buffer.concat([sha(k!), sha(v!)]));
  const headers = sha(Buffer.concat(pairs.sort(Buffer.compare)));
  const body = sha(text("body"));
  put(body);
  expect(hex(take(x.hashOfResponse(32)))).toBe(hex(sha(Buffer.concat([headers, body]))));
});
