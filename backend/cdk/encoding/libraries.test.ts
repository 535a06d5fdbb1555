// Hashes, encodings, CBOR and principals against published vectors and independent implementations.

import { Principal } from "@dfinity/principal";
import { ripemd160 } from "@noble/hashes/legacy";
import { decode as cborDecode, encode as cborEncode } from "cborg";
import fc from "fast-check";
import { createHash, createHmac } from "node:crypto";
import { fileURLToPath } from "node:url";
import { crc32 } from "node:zlib";
import { beforeAll, describe, expect, test } from "vitest";
import { compilePure, runPure, StableBytes } from "../stable/testing/pure-module.ts";


type Any = any; // eslint-disable-line @typescript-eslint/no-explicit-any -- exports of a Wasm module

let x: Any;

beforeAll(async () => {
  const module = new WebAssembly.Module(await compilePure(fileURLToPath(new URL("testing/libraries.ts", import.meta.url))));
  x = runPure(module, new StableBytes());
});

const hex = (b: Uint8Array): string => Buffer.from(b).toString("hex");
const bytes = (s: string): Uint8Array => new TextEncoder().encode(s);
const unhex = (s: string): Uint8Array => new Uint8Array(Buffer.from(s, "hex"));

function put(...parts: Uint8Array[]): number {
  let at = x.io.value;
  for (const part of parts) {
    new Uint8Array(x.memory.buffer).set(part, at);
    at += part.length;
  }
  return at - x.io.value;
}
function take(length: number): Uint8Array | null {
  return length < 0 ? null : new Uint8Array(x.memory.buffer).slice(x.io.value, x.io.value + length);
}
function run(name: string, data: Uint8Array, ...rest: unknown[]): Uint8Array | null {
  put(data);
  return take(x[name](data.length, ...rest));
}

describe("hashes", () => {
  test("SHA-256 gives the digests of FIPS 180-4's examples", () => {
    const cases = {
      "": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
      abc: "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
      abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq: "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
    };
    for (const [message, digest] of Object.entries(cases)) expect(hex(run("hashSha256", bytes(message))!)).toBe(digest);
    expect(hex(run("hashSha224", bytes("abc"))!)).toBe("23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7");
  });

  test("SHA-256 and SHA-224 agree with Node for every length around the block sizes, at once and in pieces", () => {
    const data = new Uint8Array(1000).map((_, i) => i * 7);
    for (let n = 0; n < 300; n++) {
      const part = data.subarray(0, n);
      const expected = createHash("sha256").update(part).digest("hex");
      expect(hex(run("hashSha256", part)!)).toBe(expected);
      expect(hex(run("hashSha256Pieces", part)!)).toBe(expected);
      expect(hex(run("hashSha224", part)!)).toBe(createHash("sha224").update(part).digest("hex"));
    }
  });

  test("HMAC-SHA-256 gives the digests of RFC 4231", () => {
    const cases: [Uint8Array, Uint8Array, string][] = [
      [new Uint8Array(20).fill(0x0b), bytes("Hi There"), "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"],
      [bytes("Jefe"), bytes("what do ya want for nothing?"), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"],
      [new Uint8Array(131).fill(0xaa), bytes("Test Using Larger Than Block-Size Key - Hash Key First"), "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"],
    ];
    for (const [key, message, mac] of cases) {
      put(key, message);
      expect(hex(take(x.hmac(key.length, message.length))!)).toBe(mac);
      expect(createHmac("sha256", key).update(message).digest("hex")).toBe(mac);
    }
  });

  test("RIPEMD-160 gives the digests of the paper and agrees with an independent implementation", () => {
    expect(hex(run("hashRipemd160", bytes(""))!)).toBe("9c1185a5c5e9fc54612808977ee8f548b2258d31");
    expect(hex(run("hashRipemd160", bytes("message digest"))!)).toBe("5d0689ef49d2fae572b881b123a85ffa21595f36");
    for (let n = 0; n < 200; n++) {
      const data = new Uint8Array(n).map((_, i) => i * 11 + n);
      expect(hex(run("hashRipemd160", data)!)).toBe(hex(ripemd160(data)));
    }
  });

  test("CRC-32 agrees with zlib", () => {
    put(bytes("123456789"));
    expect(x.hashCrc32(9) >>> 0).toBe(0xcbf43926);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (data) => {
        put(data);
        expect(x.hashCrc32(data.length) >>> 0).toBe(crc32(data));
      }),
    );
  });
});

describe("encodings", () => {
  const text = (kind: number, data: Uint8Array): string => {
    put(data);
    return new TextDecoder().decode(take(x.encode(kind, data.length))!);
  };
  const parse = (kind: number, s: string): Uint8Array | null => {
    put(bytes(s));
    return take(x.decode(kind, bytes(s).length));
  };

  test("base64, base32 and hex give the vectors of RFC 4648", () => {
    const vectors: [string, string, string][] = [
      ["", "", ""], ["f", "Zg==", "my"], ["fo", "Zm8=", "mzxq"], ["foo", "Zm9v", "mzxw6"],
      ["foob", "Zm9vYg==", "mzxw6yq"], ["fooba", "Zm9vYmE=", "mzxw6ytb"], ["foobar", "Zm9vYmFy", "mzxw6ytboi"],
    ];
    for (const [plain, b64, b32] of vectors) {
      expect(text(2, bytes(plain))).toBe(b64);
      expect(text(1, bytes(plain))).toBe(b32);
      expect(hex(parse(2, b64)!)).toBe(hex(bytes(plain)));
      expect(hex(parse(1, b32)!)).toBe(hex(bytes(plain)));
    }
  });

  test("every encoding comes back, and agrees with Node's", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (data) => {
        const b = Buffer.from(data);
        expect(text(0, data)).toBe(b.toString("hex"));
        expect(text(2, data)).toBe(b.toString("base64"));
        expect(text(3, data)).toBe(b.toString("base64url"));
        for (let kind = 0; kind < 4; kind++) expect(hex(parse(kind, text(kind, data))!)).toBe(hex(data));
      }),
    );
  });

  test("malformed text is refused: foreign characters, wrong padding, impossible lengths, bits left over", () => {
    const bad: [number, string][] = [
      [0, "abc"], [0, "zz"], [1, "m"], [1, "mz1q"], [1, "mz"], [2, "Zg="], [2, "Zg"], [2, "Zh=="], [2, "Z==="], [2, "Zm9*"], [2, "Zm-_"],
      [3, "Zm+/"], [3, "Zg=="], [3, "Z"], [3, "Zh"],
    ];
    for (const [kind, s] of bad) expect([kind, s, parse(kind, s)]).toEqual([kind, s, null]);
  });

  test("LEB128 gives the vectors of the DWARF standard", () => {
    const cases: [bigint, string][] = [[0n, "00"], [2n, "02"], [127n, "7f"], [128n, "8001"], [129n, "8101"], [12857n, "b964"], [624485n, "e58e26"], [(1n << 64n) - 1n, "ffffffffffffffffff01"]];
    for (const [value, expected] of cases) expect(hex(take(x.leb(value))!)).toBe(expected);
  });
});

describe("principals", () => {
  test("text and bytes agree with @dfinity/principal in both directions", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 29 }), (data) => {
        const text = Principal.fromUint8Array(data).toText();
        expect(new TextDecoder().decode(run("principalText", data)!)).toBe(text);
        expect(hex(run("principalBytes", bytes(text))!)).toBe(hex(data));
      }),
    );
    expect(new TextDecoder().decode(run("principalText", new Uint8Array(0))!)).toBe("aaaaa-aa");
    expect(new TextDecoder().decode(run("principalText", new Uint8Array([4]))!)).toBe("2vxsx-fae");
  });

  test("text that toText would not write is refused", () => {
    for (const bad of ["", "aaaaa", "aaaaa-ab", "AAAAA-AA", "aaaaaaa", "aaaa-aaa", "2vxsx-fa", "rdmx6-jaaaa-aaaaa-aaadq-caj", "rdmx6 jaaaa-aaaaa-aaadq-cai", "ü"]) {
      expect([bad, run("principalBytes", bytes(bad))]).toEqual([bad, null]);
    }
  });

  test("a key's principal is the self-authenticating one of the specification", () => {
    const der = unhex("302a300506032b6570032100" + "11".repeat(32));
    expect(hex(run("principalOfKey", der)!)).toBe(hex(Principal.selfAuthenticating(der).toUint8Array()));
  });

  test("equality goes by bytes", () => {
    put(new Uint8Array([1, 2, 3, 1, 2, 3]));
    expect(x.principalEquals(3, 3)).toBe(1);
    put(new Uint8Array([1, 2, 3, 1, 2, 4]));
    expect(x.principalEquals(3, 3)).toBe(0);
    expect(x.principalEquals(3, 2)).toBe(0);
  });

  test("account identifiers follow the ledger's formula", () => {
    const owner = Principal.fromText("rdmx6-jaaaa-aaaaa-aaadq-cai").toUint8Array();
    for (const sub of [null, new Uint8Array(32).fill(7)]) {
      const digest = createHash("sha224").update("\x0aaccount-id").update(owner).update(sub ?? new Uint8Array(32)).digest();
      const sum = Buffer.alloc(4);
      sum.writeUInt32BE(crc32(digest));
      put(owner, sub ?? new Uint8Array(0));
      expect(hex(take(x.accountId(owner.length, sub !== null))!)).toBe(hex(Buffer.concat([sum, digest])));
    }
    // The governance canister's account, as published by the ledger's own tests and explorers.
    const gov = Principal.fromText("rrkah-fqaaa-aaaaa-aaaaq-cai").toUint8Array();
    expect(hex(run("accountId", gov, false)!)).toBe("082ecf2e3f647ac600f43f38a68342fba5b8e68b085f02592b77f39808a8d2b5");
  });
});

describe("CBOR", () => {
  const item: fc.Arbitrary<unknown> = fc.letrec((tie) => ({
    item: fc.oneof(
      { depthSize: "small" },
      fc.integer(),
      fc.bigInt({ min: 1n << 53n, max: (1n << 63n) - 1n }),
      fc.string({ unit: "grapheme" }),
      fc.uint8Array({ maxLength: 300 }),
      fc.boolean(),
      fc.constant(null),
      fc.array(tie("item"), { maxLength: 5 }),
      fc.dictionary(fc.string(), tie("item"), { maxKeys: 5, noNullPrototype: true }),
    ),
  })).item;

  test("reads and writes what an independent implementation writes", () => {
    fc.assert(
      fc.property(item, (value) => {
        const encoded = cborEncode(value);
        expect(hex(run("cborCopy", encoded)!)).toBe(hex(encoded));
        put(encoded);
        expect(x.cborSkip(encoded.length)).toBe(1);
        expect(cborDecode(run("cborCopy", encoded)!)).toEqual(cborDecode(encoded));
      }),
    );
  });

  test("reads the integer and string vectors of RFC 8949, appendix A", () => {
    for (const vector of ["00", "01", "0a", "17", "1818", "1819", "1864", "1903e8", "1a000f4240", "1b000000e8d4a51000", "1bffffffffffffffff", "20", "29", "3863", "3903e7", "f4", "f5", "f6", "40", "4401020304", "60", "6161", "6449455446", "62225c", "62c3bc", "63e6b0b4", "64f0908591", "80", "83010203", "a0", "a201020304", "d9d9f783010203", "c074323031332d30332d32315432303a30343a30305a"]) {
      const shortest = run("cborCopy", unhex(vector));
      expect([vector, shortest && hex(shortest)]).toEqual([vector, vector]);
    }
  });

  test("malformed input is refused: truncated, reserved, indefinite, oversized counts, bad UTF-8, trailing bytes", () => {
    for (const bad of ["", "18", "1c", "5f", "9f01ff", "bf", "41", "5bffffffffffffffff", "9bffffffffffffffff", "ba7fffffff00", "61ff", "62c080", "63eda080", "0000", "f97c00", "fa47c35000", "3bffffffffffffffff", "81", "a101"]) {
      expect([bad, run("cborCopy", unhex(bad))]).toEqual([bad, null]);
    }
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (data) => {
        const copy = run("cborCopy", data);
        if (copy !== null) expect(hex(run("cborCopy", copy)!)).toBe(hex(copy));
      }),
      { numRuns: 2000 },
    );
    const deep = new Uint8Array(10_000).fill(0x81);
    put(deep);
    expect(x.cborSkip(deep.length)).toBe(0);
  });
});
