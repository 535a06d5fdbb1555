/** The file by which the launcher tells the `icp` tool that the network is ready. */
import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface LauncherStatus {
  readonly gatewayPort: number;
  /** Hex of the DER root key. */
  readonly rootKey: string;
  /** Where canisters go when nobody says. */
  readonly defaultEffectiveCanisterId: string;
}

/** Friendly host names that the tool writes and the gateway watches. */
export const CUSTOM_DOMAINS_FILE = 'custom-domains.txt';

/** Written whole or not at all: the tool reads as soon as the file appears, and waits for the line end. */
export function writeStatus(statusDir: string, status: LauncherStatus): void {
  const path = join(statusDir, 'status.json');
  const line = JSON.stringify({
    v: '1',
    gateway_port: status.gatewayPort,
    root_key: status.rootKey,
    default_effective_canister_id: status.defaultEffectiveCanisterId,
    supported_features: ['custom-domains'],
  });
  writeFileSync(`${path}.new`, `${line}\n`);
  renameSync(`${path}.new`, path);
}
