/** The hooks that the system runs by itself, through the generated entry points, on a network. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { IDL } from '@dfinity/candid';
import { Principal } from '@dfinity/principal';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { EmbeddedNetwork } from '../../../replica/network/embed.ts';
import { expectReply } from '../../../replica/network/embed.ts';
import { BACKEND, generateCanister } from '../bindgen/bindgen.ts';
import { buildCanister } from '../builder/build.ts';
import { logLines } from './logs.ts';
import { startTestNetwork } from './network.ts';

const FOLDER = 'tools/testing/assembly/hooks';
const MIB = 1 << 20;
const Settings = IDL.Record({
  canister_id: IDL.Principal,
  settings: IDL.Record({ wasm_memory_limit: IDL.Opt(IDL.Nat), wasm_memory_threshold: IDL.Opt(IDL.Nat) }),
});

describe('hooks of the system', () => {
  let net: EmbeddedNetwork;
  let wasm: Uint8Array;
  let id: string;

  beforeAll(async () => {
    await generateCanister(join(BACKEND, FOLDER), 'hooks');
    await buildCanister({ name: 'hooks', root: BACKEND, debug: true, folder: FOLDER });
    wasm = readFileSync(join(BACKEND, 'build', 'hooks.debug.wasm'));
    net = await startTestNetwork({ subnets: [{ kind: 'system' }, { kind: 'application' }] });
  });

  beforeEach(async () => {
    id = await net.createCanister({ cycles: 100_000_000_000_000n });
    await net.install(id, wasm);
  });

  // Heartbeats that trap go on doing so while the test asks what it wants to know.
  afterEach(() => { net.takeUnheardTraps(); });

  afterAll(async () => { await (net as EmbeddedNetwork | undefined)?.stop(); });

  const count = async (method: 'heartbeats' | 'low_memory'): Promise<number> =>
    IDL.decode([IDL.Nat32], expectReply(await net.query(id, method, new Uint8Array(IDL.encode([], [])))))[0] as unknown as number;
  const hold = async (bytes: number): Promise<void> => {
    expectReply(await net.update(id, 'hold', new Uint8Array(IDL.encode([IDL.Nat32], [bytes]))));
  };
  const setFailing = async (failing: boolean): Promise<void> => {
    expectReply(await net.update(id, 'set_failing', new Uint8Array(IDL.encode([IDL.Bool], [failing]))));
  };
  /** Low is when less than `threshold` of `limit` is left. */
  const setMemory = async (limit: number, threshold: number): Promise<void> => {
    const settings = { wasm_memory_limit: [limit], wasm_memory_threshold: [threshold] };
    const arg = new Uint8Array(IDL.encode([Settings], [{ canister_id: Principal.fromText(id), settings }]));
    expectReply(await net.update('aaaaa-aa', 'update_settings', arg, { effective: id }));
  };

  it('the heartbeat runs once a round and keeps what it wrote', async () => {
    const before = await count('heartbeats');
    await net.tick(5);
    expect(await count('heartbeats')).toBe(before + 5);
  });

  it('a heartbeat that traps loses its own effects, is logged, and runs again', async () => {
    await setFailing(true);
    const before = await count('heartbeats');
    await net.tick(3);
    expect(await count('heartbeats')).toBe(before);
    expect((await logLines(net, id)).at(-1)).toContain('a heartbeat that traps');
    expect(net.takeUnheardTraps()).toContainEqual(
      expect.stringMatching(new RegExp(`^canister_heartbeat: Error from Canister ${id}: [^]*\nat ${FOLDER}/lifecycle/heartbeat.ts:5:3\n    assert`)),
    );
    await setFailing(false);
    const after = await count('heartbeats');
    await net.tick(2);
    expect(await count('heartbeats')).toBe(after + 2);
  });

  it('the low-memory hook runs once when memory falls below the threshold', async () => {
    await setMemory(16 * MIB, 8 * MIB);
    await hold(4 * MIB);
    await net.tick(3);
    expect(await count('low_memory')).toBe(0);
    await hold(6 * MIB);
    await net.tick(3);
    expect(await count('low_memory')).toBe(1);
    expect((await logLines(net, id)).filter((line) => /^warn memory is low pages=\d+$/.test(line))).toHaveLength(1);
    await hold(MIB);
    await net.tick(3);
    expect(await count('low_memory')).toBe(1);
  });

  it('the low-memory hook runs again after there was enough memory in between', async () => {
    await setMemory(16 * MIB, 8 * MIB);
    await hold(10 * MIB);
    await net.tick();
    await setMemory(64 * MIB, 8 * MIB);
    await net.tick();
    expect(await count('low_memory')).toBe(1);
    await setMemory(16 * MIB, 8 * MIB);
    await net.tick();
    expect(await count('low_memory')).toBe(2);
  });

  it('a low-memory hook that traps loses its own effects and leaves the canister working', async () => {
    await setMemory(16 * MIB, 8 * MIB);
    await setFailing(true);
    await hold(10 * MIB);
    await net.tick();
    await setFailing(false);
    expect(await count('low_memory')).toBe(0);
    expect((await logLines(net, id)).some((line) => line.includes('a hook that traps'))).toBe(true);
    expect(net.takeUnheardTraps()).toContainEqual(
      expect.stringMatching(new RegExp(`^canister_on_low_wasm_memory: [^]*\nat ${FOLDER}/lifecycle/on-low-wasm-memory.ts:7:3\n`)),
    );
    await hold(MIB);
  });
});
