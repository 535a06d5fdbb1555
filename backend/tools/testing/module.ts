/**
 * Runs compiled AssemblyScript in Node against a mock of the System API: for unit tests of pure
 * modules and of the kit itself. Whole canisters are tested on the embedded replica instead.
 *
 * The mock has an argument, a caller, a clock, stable memory, a log, and records replies and
 * calls. It checks nothing about where a function may be called.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { compile } from '../builder/compile.ts';
import { BACKEND } from '../bindgen/bindgen.ts';
import { culprit, SourceLines } from './source-lines.ts';

/** The module called ic0.trap, or trapped by itself; `source` is the AssemblyScript line if known. */
export class Trap extends Error {}

export interface SentCall { callee: Uint8Array; method: string; data: Uint8Array; cycles: bigint; timeoutSeconds: number; reply: [number, number]; reject: [number, number] }

export class MockSystem {
  argument: Uint8Array = new Uint8Array();
  caller: Uint8Array = Uint8Array.of(4);
  self: Uint8Array = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 1, 1, 1);
  timeNanos = 1_700_000_000_000_000_000n;
  stable: Uint8Array = new Uint8Array();
  /** The reply of the last entry point, undefined if it did not reply. */
  reply: Uint8Array | undefined;
  rejected: string | undefined;
  log: string[] = [];
  calls: SentCall[] = [];
  timer = 0n;
  rejectCode = 0;
  rejectMessage = '';
  callResult = 0;
  certifiedData: Uint8Array = new Uint8Array();
}

export interface TestModule {
  exports: Record<string, (...args: never[]) => unknown>;
  system: MockSystem;
  /** Calls an export with an argument and returns its reply. */
  call(name: string, argument?: Uint8Array): Uint8Array;
  /** Runs a callback by table index. */
  callback(fun: number, env: number): void;
  memory: WebAssembly.Memory;
}

/** Instantiates a module with the mock; `sourceMap` lets traps name the line. */
export function instantiate(bytes: Uint8Array, system: MockSystem = new MockSystem(), sourceMap?: string): TestModule {
  const module = new WebAssembly.Module(bytes as BufferSource);
  const heap = (): Uint8Array => new Uint8Array(memory.buffer);
  const bytesAt = (p: number, n: number): Uint8Array => heap().slice(p >>> 0, (p >>> 0) + (n >>> 0));
  const text = (p: number, n: number): string => new TextDecoder().decode(bytesAt(p, n));
  const put = (from: Uint8Array, dst: number, offset: number, size: number): void => {
    if (offset + size > from.length) throw new Trap('copy outside the blob');
    heap().set(from.subarray(offset, offset + size), dst >>> 0);
  };
  const put128 = (dst: number, value: bigint): void => {
    const view = new DataView(memory.buffer);
    view.setBigUint64(dst, value & 0xffff_ffff_ffff_ffffn, true);
    view.setBigUint64(dst + 8, value >> 64n, true);
  };
  let pending: SentCall | undefined;
  let replyData: Uint8Array[] = [];
  const s = system;
  const ic0: Record<string, (...args: never[]) => unknown> = {
    msg_arg_data_size: () => s.argument.length,
    msg_arg_data_copy: (d: number, o: number, n: number) => { put(s.argument, d, o, n); },
    msg_caller_size: () => s.caller.length,
    msg_caller_copy: (d: number, o: number, n: number) => { put(s.caller, d, o, n); },
    canister_self_size: () => s.self.length,
    canister_self_copy: (d: number, o: number, n: number) => { put(s.self, d, o, n); },
    msg_reply_data_append: (p: number, n: number) => { replyData.push(bytesAt(p, n)); },
    msg_reply: () => {
      s.reply = new Uint8Array(Buffer.concat(replyData));
      replyData = [];
    },
    msg_reject: (p: number, n: number) => { s.rejected = text(p, n); },
    msg_reject_code: () => s.rejectCode,
    msg_reject_msg_size: () => Buffer.byteLength(s.rejectMessage),
    msg_reject_msg_copy: (d: number, o: number, n: number) => { put(Buffer.from(s.rejectMessage), d, o, n); },
    msg_deadline: () => 0n,
    msg_cycles_available128: (d: number) => { put128(d, 0n); },
    msg_cycles_refunded128: (d: number) => { put128(d, 0n); },
    msg_cycles_accept128: (_h: bigint, _l: bigint, d: number) => { put128(d, 0n); },
    canister_cycle_balance128: (d: number) => { put128(d, 10n ** 15n); },
    canister_liquid_cycle_balance128: (d: number) => { put128(d, 10n ** 15n); },
    canister_version: () => 1n,
    call_new: (cp: number, cn: number, np: number, nn: number, rf: number, re: number, jf: number, je: number) => {
      pending = { callee: bytesAt(cp, cn), method: text(np, nn), data: new Uint8Array(), cycles: 0n, timeoutSeconds: 0, reply: [rf, re], reject: [jf, je] };
    },
    call_on_cleanup: () => undefined,
    call_data_append: (p: number, n: number) => { if (pending) pending.data = Buffer.concat([pending.data, bytesAt(p, n)]); },
    call_with_best_effort_response: (t: number) => { if (pending) pending.timeoutSeconds = t; },
    call_cycles_add128: (h: bigint, l: bigint) => { if (pending) pending.cycles += (h << 64n) + l; },
    call_perform: () => {
      if (s.callResult === 0 && pending) s.calls.push(pending);
      pending = undefined;
      return s.callResult;
    },
    stable64_size: () => BigInt(s.stable.length / 65536),
    stable64_grow: (pages: bigint) => {
      const before = s.stable.length;
      const bigger = new Uint8Array(before + Number(pages) * 65536);
      bigger.set(s.stable);
      s.stable = bigger;
      return BigInt(before / 65536);
    },
    stable64_write: (o: bigint, p: bigint, n: bigint) => {
      if (Number(o + n) > s.stable.length) throw new Trap('stable memory out of bounds');
      s.stable.set(heap().subarray(Number(p), Number(p + n)), Number(o));
    },
    stable64_read: (d: bigint, o: bigint, n: bigint) => {
      if (Number(o + n) > s.stable.length) throw new Trap('stable memory out of bounds');
      heap().set(s.stable.subarray(Number(o), Number(o + n)), Number(d));
    },
    certified_data_set: (p: number, n: number) => { s.certifiedData = bytesAt(p, n); },
    data_certificate_present: () => 0,
    time: () => s.timeNanos,
    global_timer_set: (t: bigint) => {
      const before = s.timer;
      s.timer = t;
      return before;
    },
    performance_counter: () => 0n,
    is_controller: () => 0,
    in_replicated_execution: () => 1,
    debug_print: (p: number, n: number) => { s.log.push(text(p, n)); },
    trap: (p: number, n: number) => { throw new Trap(text(p, n)); },
  } as never;
  for (const i of WebAssembly.Module.imports(module)) {
    ic0[i.name] ??= () => { throw new Trap(`the mock has no ${i.name}`); };
  }
  const instance = new WebAssembly.Instance(module, { ic0, env: {} } as never);
  // Start-up code needs the memory, which the module exports: it runs by `_start`, after instantiation.
  const memory = instance.exports['memory'] as WebAssembly.Memory;
  const exports = instance.exports as unknown as Record<string, (...args: never[]) => unknown>;
  if (exports['_start'] !== undefined) (exports['_start'] as () => void)();
  const run = (f: () => void): void => {
    replyData = [];
    s.reply = undefined;
    s.rejected = undefined;
    try {
      f();
    } catch (error) {
      throw withSource(error, sourceMap);
    }
  };
  return {
    exports, system: s, memory,
    call(name, argument = Buffer.from('DIDL\0\0')) {
      s.argument = argument;
      const f = exports[name];
      if (f === undefined) throw new Error(`no export ${name}`);
      run(() => (f as () => void)());
      return s.reply ?? new Uint8Array();
    },
    callback(fun, env) {
      const table = instance.exports['table'] as WebAssembly.Table;
      run(() => (table.get(fun) as (env: number) => void)(env));
    },
  };
}

/** Puts the AssemblyScript line of the innermost frame that is not the kit's own reporting behind the trap's text. */
export function withSource(error: unknown, sourceMap: string | undefined): unknown {
  if (!(error instanceof Error) || sourceMap === undefined) return error;
  const lines = new SourceLines(sourceMap);
  const offsets = [...(error.stack ?? '').matchAll(/wasm-function\[\d+\]:0x([0-9a-f]+)/g)].map(([, hex]) => Number.parseInt(hex ?? '', 16));
  const place = culprit(offsets.map((offset) => lines.at(offset)), true);
  if (place === undefined) return error;
  const trap = new Trap(`${error.message} (${place.source}:${place.line})`);
  trap.stack = error.stack ?? '';
  return trap;
}

/** Compiles an entry file below backend/ for tests: names kept, traps show lines. */
export async function compileForTest(entry: string, { debug = true, flags = [] }: { debug?: boolean; flags?: string[] } = {}): Promise<{ bytes: Uint8Array; sourceMap: string }> {
  const { module, sourceMap } = await compile({ root: BACKEND, entry, debug, flags: ['--exportStart', '_start', ...flags] });
  return { bytes: module, sourceMap };
}

/** Writes a generated entry file below build/test/ and returns its path relative to backend/. */
export function writeTestSource(name: string, text: string): string {
  const path = join(BACKEND, 'build', 'test', name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  return `build/test/${name}`;
}
