// Compiles an AssemblyScript module that needs stable memory and nothing else, and runs it in Node over a plain
// array of bytes. An "upgrade" is a new instance over the same bytes.

import { readFile } from "node:fs/promises";
import { dirname } from "node:path";
import asc from "assemblyscript/asc";

const PAGE = 65536;

/** Stable memory that grows by pages of 64 KiB and reads zero where nothing was written. */
export class StableBytes {
  bytes = new Uint8Array(0);
  calls = 0;
  moved = 0;

  size(): bigint {
    return BigInt(this.bytes.length / PAGE);
  }

  grow(pages: bigint): bigint {
    const before = this.size();
    const grown = new Uint8Array(this.bytes.length + Number(pages) * PAGE);
    grown.set(this.bytes);
    this.bytes = grown;
    return before;
  }

  check(offset: bigint, size: bigint): void {
    if (BigInt.asUintN(64, offset) + BigInt.asUintN(64, size) > BigInt(this.bytes.length)) throw new Error("stable memory out of bounds");
  }
}

/** The compiled module's bytes. Throws with the compiler's messages when it does not compile. */
export async function compilePure(entry: string): Promise<Uint8Array<ArrayBuffer>> {
  let binary: Uint8Array | null = null;
  const { error, stderr } = await asc.main(
    [entry.split("/").pop()!, "--runtime", "minimal", "-O3", "--exportRuntime", "--use", "abort=", "--outFile", "out.wasm"],
    {
      readFile: async (name: string, base: string) => {
        try {
          return await readFile(base === "." || base === "" ? `${dirname(entry)}/${name}` : `${dirname(entry)}/${base}/${name}`, "utf8");
        } catch {
          return null;
        }
      },
      writeFile: (_name: string, contents: Uint8Array | string) => {
        if (typeof contents !== "string") binary = contents;
      },
      listFiles: () => [],
    },
  );
  if (error !== null || binary === null) throw new Error(`${error?.message ?? "no output"}\n${stderr.toString()}`);
  return new Uint8Array(binary as Uint8Array);
}

export type Exports = Record<string, (...args: (number | bigint | boolean)[]) => never> & { memory: WebAssembly.Memory; io: WebAssembly.Global };

/** An instance over the given stable memory. */
export function runPure(module: WebAssembly.Module, stable: StableBytes): Exports {
  let heap: WebAssembly.Memory;
  const instance = new WebAssembly.Instance(module, {
    ic0: {
      stable64_size: () => stable.size(),
      stable64_grow: (pages: bigint) => stable.grow(pages),
      stable64_read: (dst: bigint, offset: bigint, size: bigint) => {
        stable.check(offset, size);
        stable.calls++;
        stable.moved += Number(size);
        new Uint8Array(heap.buffer).set(stable.bytes.subarray(Number(offset), Number(offset + size)), Number(dst));
      },
      stable64_write: (offset: bigint, src: bigint, size: bigint) => {
        stable.check(offset, size);
        stable.calls++;
        stable.moved += Number(size);
        stable.bytes.set(new Uint8Array(heap.buffer, Number(src), Number(size)), Number(offset));
      },
    },
  });
  const exports = instance.exports as unknown as Exports;
  heap = exports.memory;
  return exports;
}
