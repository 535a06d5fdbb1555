// The assets canister on the embedded replica: the unmodified uploader puts a site into it, the gateway verifies it.

import { HttpAgent } from "@dfinity/agent";
import { AssetManager } from "@dfinity/assets";
import { IDL } from "@dfinity/candid";
import { Ed25519KeyIdentity } from "@dfinity/identity";
import { Principal } from "@dfinity/principal";
import fc from "fast-check";
import { createHash } from "node:crypto";
import { request } from "node:http";
import { brotliCompressSync, brotliDecompressSync, gunzipSync, gzipSync } from "node:zlib";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { startTestNetwork } from "../../tools/testing/network.ts";
import type { EmbeddedNetwork } from "../../../replica/network/embed.ts";
import { decodeHashTree, lookupLeaf } from "../../../replica/codec/hash-tree.ts";
import { utf8 } from "../../../replica/codec/bytes.ts";
import { verifyResponse, VerificationError } from "../../../replica/http/gateway/verification.ts";
import type { HeaderList } from "../../../replica/http/gateway/types.ts";
import { idlFactory } from "../../declarations/assets/assets.did.js";
import { CandidCanister, moduleOf } from "../../tools/testing/candid-canister.ts";


type Any = any; // eslint-disable-line @typescript-eslint/no-explicit-any -- Candid values

const NO_ARGUMENT = new Uint8Array(IDL.encode([IDL.Opt(IDL.Null)], [[]]));
const uploader = Ed25519KeyIdentity.generate();
const stranger = Ed25519KeyIdentity.generate();

let net: EmbeddedNetwork;
let wasm: Uint8Array;
let id: string;
let site: CandidCanister;
let manager: AssetManager;

beforeAll(async () => {
  wasm = await moduleOf("assets");
  net = await startTestNetwork({ port: 0 });
}, 300_000);

afterAll(async () => {
  await net?.stop();
});

beforeEach(async () => {
  net.time.catchUp();
  id = await net.createCanister({ cycles: 1_000_000_000_000_000n, sender: uploader.getPrincipal() });
  await net.install(id, wasm, NO_ARGUMENT);
  site = new CandidCanister(net, id, idlFactory);
  manager = new AssetManager({ canisterId: id, agent: await HttpAgent.create({ host: net.url!, identity: uploader, shouldFetchRootKey: true }) });
});

const text = (s: string): Uint8Array => new TextEncoder().encode(s);
const hex = (b: Uint8Array): string => Buffer.from(b).toString("hex");
const sha = (b: Uint8Array): Uint8Array => new Uint8Array(createHash("sha256").update(b).digest());
const me = (): Principal => uploader.getPrincipal();
/** Cycles of the site's canister. */
const balance = (): bigint => net.subnets.flatMap((subnet) => [...subnet.state.canisters.values()]).find((canister) => canister.id.toText() === id)!.balance;

interface Answer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: Buffer;
}

/** Through the gateway, as a browser would; undecoded. */
function fetchPage(path: string, headers: Record<string, string> = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request({ host: "127.0.0.1", port: net.port, path, headers: { host: `${id}.localhost`, ...headers } }, (answer) => {
      const parts: Buffer[] = [];
      answer.on("data", (part: Buffer) => parts.push(part));
      answer.on("end", () => resolve({ status: answer.statusCode!, headers: answer.headers, body: Buffer.concat(parts) }));
    });
    sent.on("error", reject);
    sent.end();
  });
}

/** The canister's own answer, as the gateway gets it. */
async function ask(path: string, headers: [string, string][] = [], version: [] | [number] = [2]): Promise<{ status: number; headers: HeaderList; body: Uint8Array; more: Any }> {
  const answer = await site.call("http_request", [{ method: "GET", url: path, headers, body: new Uint8Array(0), certificate_version: version }]);
  return { status: answer.status_code, headers: answer.headers, body: new Uint8Array(answer.body), more: answer.streaming_strategy };
}

const verify = (path: string, answer: { status: number; headers: HeaderList; body: Uint8Array }): Any =>
  verifyResponse(
    { method: "GET", url: path, headers: [], body: new Uint8Array(0) },
    { statusCode: answer.status, headers: answer.headers, body: answer.body },
    { canisterId: Principal.fromText(id).toUint8Array(), rootKeyDer: net.rootKey, nowNanos: net.time.get() },
  );

const page = (title: string): Uint8Array => text(`<!doctype html><title>${title}</title>${"<p>text</p>".repeat(100)}`);

describe("uploading with @dfinity/assets", () => {
  test("a built site is stored in one batch and every file comes back verified, in each encoding", async () => {
    const script = text("export const answer = 42;\n".repeat(2000));
    const big = new Uint8Array(5_000_000).map((_, i) => (i * i) >> 3);
    const batch = manager.batch();
    await batch.store(page("home"), { fileName: "index.html", contentType: "text/html" });
    await batch.store(script, { fileName: "app.js", path: "/assets", contentType: "text/javascript", headers: [["Cache-Control", "public, max-age=31536000, immutable"]] });
    for (const [name, bytes] of [["gzip", gzipSync(script)], ["br", brotliCompressSync(script)]] as const) {
      await batch.store(new Uint8Array(bytes), { fileName: "app.js", path: "/assets", contentType: "text/javascript", contentEncoding: name, sha256: sha(bytes) });
    }
    await batch.store(big, { fileName: "big.bin", contentType: "application/octet-stream" });
    await batch.store(new Uint8Array(0), { fileName: "empty.txt", contentType: "text/plain" });
    await batch.commit();

    expect((await manager.list()).map((a) => [a.key, a.encodings.map((e) => e.content_encoding).sort()])).toEqual([
      ["/assets/app.js", ["br", "gzip", "identity"]],
      ["/big.bin", ["identity"]],
      ["/empty.txt", ["identity"]],
      ["/index.html", ["identity"]],
    ]);
    for (const [accept, decode] of [["", (b: Buffer) => b], ["gzip, deflate", gunzipSync], ["gzip, deflate, br", brotliDecompressSync]] as const) {
      const answer = await fetchPage("/assets/app.js?v=1", accept === "" ? {} : { "accept-encoding": accept });
      expect(answer.status).toBe(200);
      expect(Buffer.compare(decode(answer.body), script)).toBe(0);
      expect(answer.headers["cache-control"]).toBe("public, max-age=31536000, immutable");
    }
    const whole = await fetchPage("/big.bin");
    expect(whole.status).toBe(200);
    expect(Buffer.compare(whole.body, big)).toBe(0);
    expect((await fetchPage("/empty.txt")).body).toHaveLength(0);
    const read = await manager.get("/big.bin");
    expect(await read.isCertified()).toBe(true);
    expect(await read.verifySha256()).toBe(true);
    expect(Buffer.compare(await read.toUint8Array(), big)).toBe(0);
  });

  test("store, replace, delete and clear work one by one", async () => {
    await manager.store(page("one"), { fileName: "a.html", contentType: "text/html" });
    expect((await fetchPage("/a.html")).body.toString()).toContain("one");
    await manager.store(page("two"), { fileName: "a.html", contentType: "text/html" });
    expect((await fetchPage("/a.html")).body.toString()).toContain("two");
    expect(await (await manager.get("/a.html")).isCertified()).toBe(true);
    await manager.delete("/a.html");
    expect((await fetchPage("/a.html")).status).toBe(404);
    await manager.store(page("x"), { fileName: "x.html", contentType: "text/html" });
    await manager.clear();
    expect(await manager.list()).toEqual([]);
  });

  test("a batch is committed as a whole or not at all", async () => {
    const { batch_id } = await site.call("create_batch", [{}], me());
    const { chunk_id } = await site.call("create_chunk", [{ batch_id, content: text("hello") }], me());
    const create = { CreateAsset: { key: "/a.txt", content_type: "text/plain", max_age: [], headers: [], enable_aliasing: [], allow_raw_access: [] } };
    const fill = (sha256: [] | [Uint8Array], chunk = chunk_id): Any => ({ SetAssetContent: { key: "/a.txt", content_encoding: "identity", chunk_ids: [chunk], last_chunk: [], sha256 } });
    const commit = (operations: Any[]): Promise<Any> => site.call("commit_batch", [{ batch_id, operations }], me());
    await expect(commit([create, fill([new Uint8Array(32)])])).rejects.toThrow("sha256 mismatch");
    await expect(commit([create, fill([]), fill([])])).rejects.toThrow("chunk not found");
    await expect(commit([create, fill([], 999n)])).rejects.toThrow("chunk not found");
    await expect(commit([fill([])])).rejects.toThrow("asset not found");
    for (const key of ["a.txt", "/a//b", "//", ""]) await expect(commit([{ CreateAsset: { ...create.CreateAsset, key } }])).rejects.toThrow("a key begins with a slash");
    await expect(commit([{ CreateAsset: { ...create.CreateAsset, key: `/${"x".repeat(400)}` } }])).rejects.toThrow("longer than 400 bytes");
    expect(await manager.list()).toEqual([]);
    expect((await fetchPage("/a.txt")).status).toBe(404);
    await commit([create, fill([sha(text("hello"))])]);
    expect((await fetchPage("/a.txt")).body.toString()).toBe("hello");
    await expect(commit([create])).rejects.toThrow("batch not found");
  });

  test("create_chunks and last_chunk spare round trips", async () => {
    const { batch_id } = await site.call("create_batch", [{}], me());
    const { chunk_ids } = await site.call("create_chunks", [{ batch_id, content: [text("one "), text("two ")] }], me());
    const create = { CreateAsset: { key: "/n.txt", content_type: "text/plain", max_age: [60n], headers: [], enable_aliasing: [], allow_raw_access: [] } };
    await site.call("commit_batch", [{ batch_id, operations: [create, { SetAssetContent: { key: "/n.txt", content_encoding: "identity", chunk_ids, last_chunk: [text("three")], sha256: [] } }] }], me());
    const answer = await fetchPage("/n.txt");
    expect(answer.body.toString()).toBe("one two three");
    expect(answer.headers["cache-control"]).toBe("max-age=60");
    expect(await site.call("api_version", [])).toBe(2);
  });

  test("what was uploaded and not committed goes: after five minutes, when deleted, and by an upgrade", async () => {
    const uploaded = async (): Promise<[bigint, bigint]> => {
      const { batch_id } = await site.call("create_batch", [{}], me());
      return [batch_id, (await site.call("create_chunk", [{ batch_id, content: new Uint8Array(1_000_000) }], me())).chunk_id];
    };
    const [deleted] = await uploaded();
    await site.call("delete_batch", [{ batch_id: deleted }], me());
    await expect(site.call("create_chunk", [{ batch_id: deleted, content: text("x") }], me())).rejects.toThrow("batch not found");
    const [lost] = await uploaded();
    await net.install(id, wasm, NO_ARGUMENT, { mode: "upgrade" });
    await expect(site.call("create_chunk", [{ batch_id: lost, content: text("x") }], me())).rejects.toThrow("batch not found");
    // Space is used again: a hundred uploads that nobody commits do not add up.
    const memoryOf = (): number => execution().stableBytes;
    const before = memoryOf();
    for (let i = 0; i < 20; i++) {
      const [batch_id] = await uploaded();
      await site.call("delete_batch", [{ batch_id }], me());
    }
    expect(memoryOf()).toBe(before);
  });
});

describe("serving", () => {
  test("aliases, the fallback page and directories are certified like the files themselves", async () => {
    for (const [name, path] of [["index.html", ""], ["about.html", ""], ["index.html", "/docs"], ["plain.html", "/docs"]] as const) {
      await manager.store(page(`${path}/${name}`), { fileName: name, path, contentType: "text/html" });
    }
    const title = async (path: string): Promise<string> => {
      const answer = await fetchPage(path);
      expect([path, answer.status, answer.body.toString().slice(0, 60)]).toEqual([path, 200, expect.stringContaining("<title>")]);
      return /<title>(.*)<\/title>/.exec(answer.body.toString())![1]!;
    };
    expect(await title("/")).toBe("/index.html");
    expect(await title("/about")).toBe("/about.html");
    expect(await title("/docs")).toBe("/docs/index.html");
    expect(await title("/docs/")).toBe("/docs/index.html");
    expect(await title("/docs/plain")).toBe("/docs/plain.html");
    for (const path of ["/chats/17", "/docs/missing", "/docs/plain/deeper", "/about/", "/a/b/c/d/", "/%20x", "/zz.js", "/docs/index.htm"]) expect(await title(path)).toBe("/index.html");
  });

  test("an asset of its own comes before an alias, and the alias comes back when it goes", async () => {
    await manager.store(page("page"), { fileName: "x.html", contentType: "text/html" });
    await manager.store(text("file"), { fileName: "x", contentType: "text/plain" });
    expect((await fetchPage("/x")).body.toString()).toBe("file");
    await manager.delete("/x");
    expect((await fetchPage("/x")).body.toString()).toContain("page");
    await site.call("set_asset_properties", [{ key: "/x.html", max_age: [], headers: [], allow_raw_access: [], is_aliased: [[false]] }], me());
    expect((await fetchPage("/x")).status).toBe(404);
    expect((await fetchPage("/x.html")).status).toBe(200);
  });

  test("every response carries the strict default headers; an asset's own replace them", async () => {
    await manager.store(page("home"), { fileName: "index.html", contentType: "text/html" });
    const { headers } = await fetchPage("/");
    expect(headers["content-security-policy"]).toContain("default-src 'none'; script-src 'self'");
    expect(headers["content-security-policy"]).toContain("frame-ancestors 'none'");
    expect(headers["x-content-type-options"]).toBe("nosniff");
    expect(headers["x-frame-options"]).toBe("DENY");
    expect(headers["referrer-policy"]).toBe("same-origin");
    expect(headers["cache-control"]).toBe("no-cache");
    expect(headers["content-type"]).toBe("text/html");
    await site.call("set_asset_properties", [{ key: "/index.html", max_age: [[30n]], headers: [[[["Content-Security-Policy", "default-src 'self'"], ["X-Own", "yes"]]]], allow_raw_access: [], is_aliased: [] }], me());
    const changed = (await fetchPage("/")).headers;
    expect(changed["content-security-policy"]).toBe("default-src 'self'");
    expect(changed["x-own"]).toBe("yes");
    expect(changed["cache-control"]).toBe("max-age=30");
    expect(await site.call("get_asset_properties", ["/index.html"])).toEqual({ max_age: [30n], headers: [[["Content-Security-Policy", "default-src 'self'"], ["X-Own", "yes"]]], allow_raw_access: [], is_aliased: [] });
    const set = (headers: [string, string][]): Promise<Any> => site.call("set_asset_properties", [{ key: "/index.html", max_age: [], headers: [[headers]], allow_raw_access: [], is_aliased: [] }], me());
    await expect(set([["IC-Certificate", "x"]])).rejects.toThrow("set by the canister");
    await expect(set([["X-A", "a\r\nSet-Cookie: b"]])).rejects.toThrow("not allowed");
    await expect(set([["X-A", "1"], ["x-a", "2"]])).rejects.toThrow("given twice");
  });

  test("an ETag that matches gets a verified 304, per encoding", async () => {
    await manager.store(page("home"), { fileName: "index.html", contentType: "text/html" });
    await manager.store(new Uint8Array(gzipSync(page("home"))), { fileName: "index.html", contentType: "text/html", contentEncoding: "gzip" });
    for (const encoding of ["identity", "gzip"]) {
      for (const path of ["/", "/index.html", "/some/route"]) {
        const first = await fetchPage(path, { "accept-encoding": encoding });
        const etag = first.headers.etag as string;
        expect(etag).toMatch(/^"[0-9a-f]{64}"$/);
        const again = await fetchPage(path, { "accept-encoding": encoding, "if-none-match": `"other", W/${etag}` });
        expect([again.status, again.body.length, again.headers.etag]).toEqual([304, 0, etag]);
        expect((await fetchPage(path, { "accept-encoding": encoding, "if-none-match": '"other"' })).status).toBe(200);
      }
    }
  });

  test("a path without an asset on a site without index.html is a verified 404", async () => {
    const answer = await fetchPage("/nothing");
    expect([answer.status, answer.body.toString()]).toEqual([404, "There is nothing here.\n"]);
    await manager.store(text("x"), { fileName: "x.txt", contentType: "text/plain" });
    expect((await fetchPage("/nothing")).status).toBe(404);
    expect((await fetchPage("/")).status).toBe(404);
  });

  test("percent-encoded paths find their asset", async () => {
    await manager.store(text("umlaut"), { fileName: "größe & co.txt", contentType: "text/plain" });
    expect((await fetchPage("/gr%C3%B6%C3%9Fe%20%26%20co.txt")).body.toString()).toBe("umlaut");
    expect((await fetchPage("/gr%C3%B6%C3%9Fe%2")).status).toBe(404);
  });

  test("everything is served as before after an upgrade", async () => {
    await manager.store(page("home"), { fileName: "index.html", contentType: "text/html" });
    await manager.store(text("x"), { fileName: "x.txt", path: "/a", contentType: "text/plain" });
    const before = await fetchPage("/a/x.txt");
    await net.install(id, wasm, NO_ARGUMENT, { mode: "upgrade" });
    const after = await fetchPage("/a/x.txt");
    expect([after.status, after.body.toString(), after.headers.etag]).toEqual([200, "x", before.headers.etag]);
    expect((await fetchPage("/route")).status).toBe(200);
  });
});

describe("certification", () => {
  test("a flipped byte in body, header, status, tree or certificate is refused", async () => {
    await manager.store(page("home"), { fileName: "index.html", contentType: "text/html" });
    const honest = await ask("/index.html");
    expect(verify("/index.html", honest).version).toBe(2);
    const refused = (answer: typeof honest, path = "/index.html"): void => expect(() => verify(path, answer)).toThrow(VerificationError);
    const body = new Uint8Array(honest.body);
    body[100]! ^= 1;
    refused({ ...honest, body });
    refused({ ...honest, status: 201 });
    refused({ ...honest, headers: honest.headers.map(([n, v]) => [n, n === "content-security-policy" ? v.replace("'none'", "*") : v]) });
    refused({ ...honest, headers: honest.headers.filter(([n]) => n !== "x-frame-options") });
    refused({ ...honest, headers: honest.headers.filter(([n]) => n.toLowerCase() !== "ic-certificate") });
    refused(honest, "/other.html");
    for (const field of ["certificate", "tree"]) {
      refused({
        ...honest,
        headers: honest.headers.map(([n, v]) => [
          n,
          n.toLowerCase() !== "ic-certificate"
            ? v
            : v.replace(new RegExp(`${field}=:([^:]*):`), (_all, inner: string) => {
                const bytes = Buffer.from(inner, "base64");
                bytes[bytes.length >> 1]! ^= 1;
                return `${field}=:${bytes.toString("base64")}:`;
              }),
        ]),
      });
    }
  });

  test("the fallback cannot stand in for an asset that is there", async () => {
    await manager.store(page("home"), { fileName: "index.html", contentType: "text/html" });
    await manager.store(page("other"), { fileName: "other.html", contentType: "text/html" });
    const fallback = await ask("/missing");
    expect(verify("/missing", fallback).version).toBe(2);
    for (const path of ["/other.html", "/other", "/index.html", "/"]) expect(() => verify(path, fallback)).toThrow(VerificationError);
  });

  test("a byte flipped in stable memory makes the gateway refuse the page", async () => {
    const secret = "a sentence that occurs once in the canister's memory";
    await manager.store(text(secret), { fileName: "s.txt", contentType: "text/plain" });
    expect((await fetchPage("/s.txt")).status).toBe(200);
    corruptStableMemory(text(secret));
    const answer = await fetchPage("/s.txt");
    expect(answer.status).toBe(503);
    expect(answer.body.toString()).not.toContain("sentence that occurs");
  });

  test("old gateways get version 1, for assets and for the fallback", async () => {
    await manager.store(page("home"), { fileName: "index.html", contentType: "text/html" });
    await manager.store(new Uint8Array(gzipSync(page("home"))), { fileName: "index.html", contentType: "text/html", contentEncoding: "gzip" });
    for (const version of [[], [1]] as ([] | [number])[]) {
      for (const path of ["/index.html", "/", "/missing"]) {
        expect(verify(path, await ask(path, [], version)).version).toBe(1);
        expect(verify(path, await ask(path, [["Accept-Encoding", "gzip"]], version)).version).toBe(1);
      }
    }
    const { tree } = await site.call("certified_tree", [{}]);
    expect(hex(lookupLeaf(decodeHashTree(new Uint8Array(tree)), [utf8("http_assets"), utf8("/index.html")])!)).toBe(hex(sha(page("home"))));
  });
});

test("after any changes every path is answered as a naive model says, and verifies", async () => {
  const keys = ["/index.html", "/a.html", "/a", "/a/index.html", "/a/b.html", "/a/b", "/b.html", "/b/c/index.html", "/%"];
  const paths = [...keys.map((k) => k.replace("%", "%25")), "/", "/a/", "/a/index", "/a/b/", "/b", "/b/", "/b/c", "/b/c/", "/b/c/d", "/zz", "/a.htm", "/index", "//", "/a//b"];
  interface Stored {
    aliased: boolean;
    encodings: Map<string, Uint8Array>;
  }
  const key = fc.constantFrom(...keys);
  const encoding = fc.constantFrom("identity", "gzip", "br");
  const change = fc.oneof(
    { weight: 6, arbitrary: fc.record({ kind: fc.constant("set" as const), key, encoding, n: fc.nat(1000), aliased: fc.boolean() }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant("unset" as const), key, encoding }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant("delete" as const), key }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant("alias" as const), key, aliased: fc.boolean() }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("upgrade" as const) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("clear" as const) }) },
  );
  const resolve = (model: Map<string, Stored>, path: string): Stored | undefined => {
    const alias = (k: string): Stored | undefined => (model.get(k)?.aliased === true ? model.get(k) : undefined);
    return model.get(path) ?? (path.endsWith("/") ? alias(`${path}index.html`) : (alias(`${path}.html`) ?? alias(`${path}/index.html`)));
  };
  await fc.assert(
    fc.asyncProperty(fc.array(fc.array(change, { minLength: 1, maxLength: 6 }), { minLength: 1, maxLength: 5 }), async (batches) => {
      await site.call("clear", [{}], me());
      const model = new Map<string, Stored>();
      for (const batch of batches) {
        const operations: Any[] = [];
        for (const c of batch) {
          if (c.kind === "set") {
            const content = text(`${c.key} ${c.encoding} ${c.n}`);
            const known = model.get(c.key);
            operations.push({ CreateAsset: { key: c.key, content_type: "text/html", max_age: [], headers: [], enable_aliasing: [c.aliased], allow_raw_access: [] } });
            operations.push({ SetAssetContent: { key: c.key, content_encoding: c.encoding, chunk_ids: [], last_chunk: [content], sha256: [sha(content)] } });
            if (known === undefined) model.set(c.key, { aliased: c.aliased, encodings: new Map([[c.encoding, content]]) });
            else known.encodings.set(c.encoding, content);
          } else if (c.kind === "unset") {
            if (!model.has(c.key)) continue;
            operations.push({ UnsetAssetContent: { key: c.key, content_encoding: c.encoding } });
            model.get(c.key)!.encodings.delete(c.encoding);
          } else if (c.kind === "delete") {
            operations.push({ DeleteAsset: { key: c.key } });
            model.delete(c.key);
          } else if (c.kind === "alias") {
            if (!model.has(c.key)) continue;
            operations.push({ SetAssetProperties: { key: c.key, max_age: [], headers: [], allow_raw_access: [], is_aliased: [[c.aliased]] } });
            model.get(c.key)!.aliased = c.aliased;
          } else if (c.kind === "clear") {
            operations.push({ Clear: {} });
            model.clear();
          }
        }
        await site.call("commit_batch", [{ batch_id: 0n, operations }], me());
        if (batch.some((c) => c.kind === "upgrade")) await net.install(id, wasm, NO_ARGUMENT, { mode: "upgrade" });
        for (const path of paths) {
          const own = resolve(model, decodeURIComponent(path).replace(/\/+/g, "/"));
          const served = own !== undefined && own.encodings.size > 0 ? own : model.get("/index.html");
          for (const accepted of ["br", "gzip", "identity"]) {
            const answer = await ask(path, [["Accept-Encoding", accepted]]);
            expect([path, verify(path, answer).version]).toEqual([path, 2]);
            if (served === undefined || served.encodings.size === 0) {
              expect([path, answer.status]).toEqual([path, 404]);
              continue;
            }
            const expected = served.encodings.get(accepted) ?? served.encodings.get("identity") ?? [...served.encodings.values()][0];
            const got = new TextDecoder().decode(answer.body);
            // Without the accepted and the plain form any form will do.
            if (served.encodings.has(accepted) || served.encodings.has("identity")) expect([path, accepted, got]).toEqual([path, accepted, new TextDecoder().decode(expected)]);
            else expect([...served.encodings.values()].map((b) => new TextDecoder().decode(b))).toContain(got);
          }
        }
      }
    }),
    { numRuns: 5 },
  );
}, 300_000);

describe("permissions", () => {
  const other = stranger.getPrincipal();
  const attempts: [string, unknown[]][] = [
    ["create_batch", [{}]],
    ["create_chunk", [{ batch_id: 1n, content: text("x") }]],
    ["create_chunks", [{ batch_id: 1n, content: [] }]],
    ["delete_batch", [{ batch_id: 1n }]],
    ["commit_batch", [{ batch_id: 0n, operations: [] }]],
    ["create_asset", [{ key: "/a", content_type: "text/plain", max_age: [], headers: [], enable_aliasing: [], allow_raw_access: [] }]],
    ["set_asset_content", [{ key: "/a", content_encoding: "identity", chunk_ids: [], last_chunk: [], sha256: [] }]],
    ["set_asset_properties", [{ key: "/a", max_age: [], headers: [], allow_raw_access: [], is_aliased: [] }]],
    ["unset_asset_content", [{ key: "/a", content_encoding: "identity" }]],
    ["delete_asset", [{ key: "/a" }]],
    ["clear", [{}]],
    ["store", [{ key: "/a", content_type: "text/plain", content_encoding: "identity", content: text("x"), sha256: [] }]],
    ["authorize", [other]],
    ["deauthorize", [me()]],
    ["grant_permission", [{ to_principal: other, permission: { Commit: null } }]],
    ["revoke_permission", [{ of_principal: me(), permission: { Commit: null } }]],
    ["take_ownership", []],
  ];

  test("what strangers upload is refused at the door, where it costs the canister nothing", async () => {
    const before = balance();
    const large = [{ batch_id: 0n, content: new Uint8Array(100_000) }];
    for (const who of [other, Principal.anonymous()]) await expect(site.call("create_chunk", large, who)).rejects.toThrow("Canister rejected the message");
    expect(balance()).toBe(before);
    const { batch_id } = await site.call("create_batch", [{}], me());
    await site.call("create_chunk", [{ batch_id, content: new Uint8Array(100_000) }], me());
  });

  test("strangers and the anonymous caller can change nothing", async () => {
    for (const who of [other, Principal.anonymous()]) {
      for (const [method, args] of attempts) await expect(site.call(method, args, who), method).rejects.toThrow(/Caller (does not have|is not)/);
    }
  });

  test("Prepare uploads, Commit commits, ManagePermissions gives and takes", async () => {
    const grant = (permission: string, who = other): Promise<Any> => site.call("grant_permission", [{ to_principal: who, permission: { [permission]: null } }], me());
    await grant("Prepare");
    const { batch_id } = await site.call("create_batch", [{}], other);
    await expect(site.call("commit_batch", [{ batch_id, operations: [] }], other)).rejects.toThrow("Commit permission");
    await grant("Commit");
    await site.call("commit_batch", [{ batch_id, operations: [] }], other);
    await expect(site.call("authorize", [Principal.anonymous()], other)).rejects.toThrow("ManagePermissions");
    await grant("ManagePermissions");
    await site.call("authorize", [Principal.anonymous()], other);
    const permitted = async (permission: string): Promise<string[]> => (await site.call("list_permitted", [{ permission: { [permission]: null } }])).map((p: Principal) => p.toText());
    expect(await permitted("Commit")).toContain("2vxsx-fae");
    await site.call("revoke_permission", [{ of_principal: other, permission: { ManagePermissions: null } }], other);
    expect(await permitted("ManagePermissions")).toEqual([]);
    await site.call("take_ownership", [], me());
    expect(await permitted("Commit")).toEqual([me().toText()]);
    expect(await permitted("Prepare")).toEqual([]);
  });

  test("permissions come with the argument of install and upgrade", async () => {
    const Permissions = IDL.Record({ prepare: IDL.Vec(IDL.Principal), commit: IDL.Vec(IDL.Principal), manage_permissions: IDL.Vec(IDL.Principal) });
    const Args = IDL.Opt(IDL.Variant({ Upgrade: IDL.Record({ set_permissions: IDL.Opt(Permissions) }) }));
    await net.install(id, wasm, IDL.encode([Args], [[{ Upgrade: { set_permissions: [{ prepare: [], commit: [other], manage_permissions: [] }] } }]]), { mode: "upgrade" });
    expect((await site.call("list_authorized", [])).map((p: Principal) => p.toText())).toEqual([other.toText()]);
  });
});

/** The canister as the replica holds it. */
function execution(): Any {
  for (const subnet of net.subnets) {
    const canister = [...subnet.state.canisters.values()].find((c) => c.id.toText() === id);
    if (canister?.code !== undefined) return canister.code.execution;
  }
  throw new Error("no such canister");
}

/** Flips a byte of the only place in the canister's stable memory where `needle` is. */
function corruptStableMemory(needle: Uint8Array): void {
  const state = execution();
  const bytes = Buffer.from(state.readStable(0, state.stableBytes));
  const at = bytes.indexOf(needle);
  expect(at).toBeGreaterThan(0);
  expect(bytes.indexOf(needle, at + 1)).toBe(-1);
  state.writeStable(at + 5, new Uint8Array([needle[5]! ^ 1]));
}
