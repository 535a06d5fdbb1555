import { describe, expect, it } from 'vitest';
import { sha256 } from '../../codec/sha256.ts';
import { Principal } from '../../types/principal.ts';
import * as candid from './candid-types.ts';
import { assembleModule } from './chunk-store.ts';
import { TestSubnet } from './testing.ts';
import { toWire } from './wire.ts';

const alice = Principal.fromBytes(Uint8Array.of(1, 1, 1));
const MIB = 1024 * 1024;

const upload = (subnet: TestSubnet, id: Principal, chunk: Uint8Array, from = alice) =>
  subnet.call<candid.ChunkHashCandid>(
    'upload_chunk',
    candid.UploadChunkArgs,
    { canister_id: toWire(id), chunk },
    { from, reply: candid.UploadChunkReply },
  );
const stored = (subnet: TestSubnet, id: Principal) => {
  const outcome = subnet.call<candid.ChunkHashCandid[]>(
    'stored_chunks',
    candid.CanisterIdArgs,
    { canister_id: toWire(id) },
    { from: alice, reply: candid.StoredChunksReply },
  );
  return outcome.kind === 'reply' ? outcome.value.map(({ hash }) => Buffer.from(hash).toString('hex')) : undefined;
};

describe('chunk store', () => {
  it('keeps chunks by hash, charges for each upload, bills each as 1 MiB', () => {
    const subnet = new TestSubnet();
    const canister = subnet.create(alice);
    const memory = canister.memoryUsage();
    const balance = canister.balance;
    const chunk = Uint8Array.of(1, 2, 3);
    const hash = sha256(chunk);
    const outcome = upload(subnet, canister.id, chunk);
    expect(outcome).toMatchObject({ kind: 'reply' });
    expect(balance - canister.balance).toBe(200_000_000n);
    expect(canister.memoryUsage() - memory).toBe(MIB);
    expect(upload(subnet, canister.id, chunk).kind).toBe('reply');
    expect(stored(subnet, canister.id)).toEqual([Buffer.from(hash).toString('hex')]);
    expect(canister.version).toBe(0n);
  });

  it('does not keep the message alive or change with it', () => {
    const subnet = new TestSubnet();
    const canister = subnet.create(alice);
    upload(subnet, canister.id, Uint8Array.of(9));
    const [chunk] = [...canister.chunks.values()];
    expect(chunk!.buffer.byteLength).toBe(1);
  });

  it('lets the canister itself use its store', () => {
    const subnet = new TestSubnet();
    const canister = subnet.create(alice);
    expect(upload(subnet, canister.id, Uint8Array.of(1), canister.id).kind).toBe('reply');
    expect(upload(subnet, canister.id, Uint8Array.of(1), subnet.create(alice).id)).toMatchObject({ code: 512 });
  });

  it('refuses chunks over 1 MiB and the 101st chunk, but takes a known one again', () => {
    const subnet = new TestSubnet();
    const canister = subnet.create(alice);
    expect(upload(subnet, canister.id, new Uint8Array(MIB)).kind).toBe('reply');
    expect(upload(subnet, canister.id, new Uint8Array(MIB + 1))).toMatchObject({
      code: 504,
      message: expect.stringMatching(/^Error from Wasm chunk store: /),
    });
    for (let index = 0; index < 99; index += 1) {
      expect(upload(subnet, canister.id, Uint8Array.of(index)).kind).toBe('reply');
    }
    expect(upload(subnet, canister.id, Uint8Array.of(200))).toMatchObject({ code: 504 });
    expect(upload(subnet, canister.id, Uint8Array.of(5)).kind).toBe('reply');
    subnet.call('clear_chunk_store', candid.CanisterIdArgs, { canister_id: toWire(canister.id) }, { from: alice });
    expect(stored(subnet, canister.id)).toEqual([]);
  });

  it('refuses what the balance cannot pay', () => {
    const subnet = new TestSubnet();
    const canister = subnet.create(alice, 1_000_000n);
    expect(upload(subnet, canister.id, Uint8Array.of(1)).kind).toBe('reject');
    expect(stored(subnet, canister.id)).toEqual([]);
    expect(canister.balance).toBe(1_000_000n);
  });
});

describe('assembling a module from chunks', () => {
  const part = (byte: number) => Uint8Array.of(byte, byte);
  const chunks = new Map([1, 2].map((byte) => [Buffer.from(sha256(part(byte))).toString('hex'), part(byte)]));
  const hashes = [1, 2, 1].map((byte) => ({ hash: sha256(part(byte)) }));

  it('joins in the listed order, chunks as often as listed', () => {
    const whole = Uint8Array.of(1, 1, 2, 2, 1, 1);
    expect(assembleModule(chunks, hashes, sha256(whole))).toEqual({ ok: true, value: whole });
  });

  it.each([
    ['a wrong whole hash', hashes, new Uint8Array(32), /does not match given hash/],
    ['an unknown chunk', [{ hash: new Uint8Array(32) }], new Uint8Array(32), /was not found/],
    ['a hash that is none', [{ hash: new Uint8Array(31) }], new Uint8Array(32), /length is not 32/],
    ['more chunks than a store holds', Array(101).fill(hashes[0]), new Uint8Array(32), /exceeds the maximum/],
  ])('refuses %s', (_title, list, hash, text) => {
    const result = assembleModule(chunks, list, hash);
    expect(result).toMatchObject({ ok: false, error: { code: 504, message: expect.stringMatching(text) } });
  });
});
