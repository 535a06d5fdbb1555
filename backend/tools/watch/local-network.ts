/** The network that `make start` or `npm run start -w replica` runs on this machine. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { NetworkInfo } from '../deploy/deploy.ts';
import { BACKEND } from '../bindgen/bindgen.ts';

export const STATE_FOLDER = process.env['PARLEY_STATE'] ?? join(BACKEND, '..', '.parley');

/** Undefined unless a network answers there. */
export async function runningNetwork(folder: string = STATE_FOLDER): Promise<NetworkInfo | undefined> {
  const file = join(folder, 'ready.json');
  if (!existsSync(file)) return undefined;
  const info = JSON.parse(readFileSync(file, 'utf8')) as { port: number; url: string; rootKey: string; subnets: NetworkInfo['subnets'] };
  try {
    const status = await fetch(`${info.url}/api/v2/status`);
    if (!status.ok) return undefined;
  } catch {
    return undefined;
  }
  return { ...info, rootKey: Buffer.from(info.rootKey, 'hex') };
}
