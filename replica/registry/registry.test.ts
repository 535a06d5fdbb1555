import { describe, expect, test } from 'vitest';
import { Principal } from '../types/principal.ts';
import type { SubnetKind } from '../types/subnet-config.ts';
import { createSecrets, decodeSecrets, encodeSecrets, secretsFromSeed } from './keys.ts';
import { createRegistry, decodeRegistry, encodeRegistry, RegistryError, subnetOfCanister, topologyOf } from './registry.ts';

const KINDS: readonly SubnetKind[] = ['system', 'application', 'application', 'system', 'application'];
const registry = createRegistry(KINDS.map((kind, at) => ({ kind, publicKey: new Uint8Array(133).fill(at), nodePublicKey: new Uint8Array(44).fill(at) })));

describe('registry', () => {
  test('ranges of subnets do not overlap, and new ids come from ranges of the subnet', () => {
    const all = registry.subnets.flatMap(({ ranges }) => ranges).sort((a, b) => a.start.compare(b.start));
    for (const [at, range] of all.entries()) {
      expect(range.start.compare(range.end)).toBe(-1);
      if (at > 0) expect(all[at - 1]!.end.compare(range.start)).toBe(-1);
    }
    for (const { ranges, allocationRanges } of registry.subnets) {
      for (const allocated of allocationRanges) expect(ranges).toContainEqual(allocated);
    }
  });

  test('the well-known canisters live on the first system subnet, and are never given out by chance', () => {
    for (const id of ['rwlgt-iiaaa-aaaaa-aaaaa-cai', 'rdmx6-jaaaa-aaaaa-aaadq-cai', 'ryjl3-tyaaa-aaaaa-aaaba-cai', 'rkp4c-7iaaa-aaaaa-aaaca-cai', 'um5iw-rqaaa-aaaaq-qaaba-cai']) {
      const principal = Principal.fromText(id);
      const subnet = subnetOfCanister(registry, principal)!;
      expect(subnet).toBe(registry.subnets[0]);
      expect(subnet.allocationRanges.some(({ start, end }) => start.key <= principal.key && principal.key <= end.key)).toBe(false);
    }
  });

  test('reads back what it wrote, and nothing else', () => {
    expect(topologyOf(decodeRegistry(encodeRegistry(registry)))).toEqual(topologyOf(registry));
    for (const text of ['', '{}', 'null', '{"format":"parley-registry-9"}', encodeRegistry(registry).replace('aaaaa', 'aaaab')]) {
      expect(() => decodeRegistry(text)).toThrow(RegistryError);
    }
  });
});

describe('secrets', () => {
  test('read back as written; damaged ones are refused', () => {
    const secrets = createSecrets((length) => new Uint8Array(length).fill(7));
    expect(decodeSecrets(encodeSecrets(secrets))).toEqual(secrets);
    expect(() => decodeSecrets('{"subnetSeed":"00"}')).toThrow();
  });

  test('and registries with a changed byte are refused, or read as written', () => {
    const secrets = secretsFromSeed(3, 0);
    for (const [text, read] of [
      [encodeSecrets(secrets), (changed: string): unknown => decodeSecrets(changed)],
      [encodeRegistry(registry), (changed: string): unknown => encodeRegistry(decodeRegistry(changed))],
    ] as const) {
      const expected = read(text);
      for (let at = 0; at < text.length; at++) {
        const changed = Buffer.from(text);
        changed[at]! ^= 1 << (at % 7);
        let found: unknown;
        try {
          found = read(changed.toString());
        } catch {
          continue;
        }
        expect(found, `byte ${at}`).toEqual(expected);
      }
    }
  });

  test('without a checksum are those of an earlier version', () => {
    const { checksum, ...fields } = JSON.parse(encodeRegistry(registry)) as Record<string, unknown>;
    expect(checksum).toMatch(/^[0-9a-f]{64}$/);
    expect(encodeRegistry(decodeRegistry(JSON.stringify(fields)))).toBe(encodeRegistry(registry));
  });

  test('of tests are a function of seed and subnet', () => {
    expect(secretsFromSeed(1, 0)).toEqual(secretsFromSeed(1, 0));
    expect(secretsFromSeed(1, 0)).not.toEqual(secretsFromSeed(1, 1));
    expect(secretsFromSeed(1, 0)).not.toEqual(secretsFromSeed(2, 0));
  });
});
