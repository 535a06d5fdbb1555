import { afterEach, describe, expect, test } from 'vitest';
import { startNetwork } from './embed.ts';
import type { EmbeddedNetwork } from './embed.ts';

let network: EmbeddedNetwork | undefined;

afterEach(async () => {
  await network?.stop();
  network = undefined;
});

async function get(path: string): Promise<{ response: Response; body: string }> {
  network ??= await startNetwork({ subnets: [{ kind: 'system' }, { kind: 'application' }], port: 0 });
  const response = await fetch(network.url! + path);
  return { response, body: await response.text() };
}

describe('pages of the replica', () => {
  test('/metrics is Prometheus text: every sample has a type, labels and a number', async () => {
    const { response, body } = await get('/metrics');
    expect(response.headers.get('content-type')).toContain('version=0.0.4');
    const types = new Map([...body.matchAll(/^# TYPE (\S+) (counter|gauge)$/gm)].map(([, name, type]) => [name, type]));
    const samples = body.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    for (const sample of samples) {
      const [, name, , value] = /^([a-z_]+)(\{[a-z]+="[^"]*"(?:,[a-z]+="[^"]*")*\})? (\S+)$/.exec(sample)!;
      expect(types.has(name)).toBe(true);
      expect(Number.isFinite(Number(value))).toBe(true);
    }
    expect(samples.filter((sample) => sample.startsWith('parley_block_height{')).length).toBe(2);
  });

  test('the dashboard needs nothing from elsewhere, and its data names what there is', async () => {
    const { response, body } = await get('/_/dashboard');
    expect(response.headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(body).not.toMatch(/(?:src|href)="http/);
    const id = await network!.createCanister({ cycles: 5_000_000_000_000n });
    const { body: json } = await get('/_/dashboard/data.json');
    const data = JSON.parse(json) as { health: string; subnets: { canisters: { id: string; cycles: string }[] }[] };
    expect(data.health).toBe('healthy');
    expect(data.subnets[1]!.canisters).toMatchObject([{ id, cycles: '5000000000000' }]);
  });

  test('only GET and HEAD are taken', async () => {
    await get('/metrics');
    expect((await fetch(network!.url! + '/metrics', { method: 'POST' })).status).toBe(404);
  });
});
