/**
 * `npm run watch -w backend [-- <canister>… --reinstall]`: builds whenever a source changes and puts
 * what changed on the running network, if there is one.
 *
 * Parley's own canisters go the way that `make start` goes (upgrades, the children through their
 * local index). Any other canister is created on the first application subnet with no init
 * arguments, upgraded afterwards, or reinstalled with --reinstall.
 */
import { readFileSync, watch } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { HttpAgent } from '@dfinity/agent';
import { IDL } from '@dfinity/candid';
import { Principal } from '@dfinity/principal';
import { BACKEND } from '../bindgen/bindgen.ts';
import { buildAll } from '../builder/build.ts';
import { BuildError } from '../builder/errors.ts';
import type { NetworkInfo } from '../deploy/deploy.ts';
import { Deployer } from '../deploy/deploy.ts';
import { DeploymentStore } from '../deploy/deployment.ts';
import { Management, sha256Hex } from '../deploy/management.ts';
import { Progress } from '../deploy/progress.ts';
import { runningNetwork, STATE_FOLDER } from './local-network.ts';

/** Editors write a file in several steps. */
const QUIET_MILLIS = 150;
/** Changes below these folders matter; generated and built files do not. */
const WATCHED = ['canisters', 'cdk', 'chat'];
const CYCLES = 100_000_000_000_000n;
const NO_ARGUMENTS = IDL.encode([], []);

/** Canisters that the deployment knows how to place. */
const DEPLOYED = new Set(['user_index', 'local_index', 'user', 'group', 'internet_identity', 'assets']);

/** Creates, upgrades or reinstalls one canister; returns its id. */
export async function install(network: NetworkInfo, store: DeploymentStore, name: string, reinstall = false): Promise<string> {
  const wasm = readFileSync(join(BACKEND, 'build', `${name}.wasm`));
  const agent = HttpAgent.createSync({ host: network.url, identity: store.deployer(), rootKey: network.rootKey });
  const management = new Management(agent);
  const deployment = store.load() ?? { port: network.port, canisters: {}, sites: {} };
  let known = deployment.canisters[name];
  if (known === undefined) {
    const subnet = network.subnets.find((s) => s.kind === 'application') ?? network.subnets[0];
    if (subnet === undefined) throw new Error('the network has no subnet');
    known = (await management.create(Principal.fromText(subnet.defaultEffectiveCanisterId), CYCLES)).toText();
    deployment.canisters[name] = known;
    store.save(deployment);
  }
  const id = Principal.fromText(known);
  const installed = await management.moduleHash(id);
  if (installed === undefined) await management.install(id, wasm, NO_ARGUMENTS, 'install');
  else if (reinstall) await management.install(id, wasm, NO_ARGUMENTS, 'reinstall');
  else if (installed !== sha256Hex(wasm)) await management.install(id, wasm, NO_ARGUMENTS, 'upgrade');
  return known;
}

/** One round: build, then install what changed. */
export async function round(names: string[], reinstall: boolean): Promise<void> {
  const built = await buildAll(names.length > 0 ? { names } : {});
  const network = await runningNetwork();
  if (network === undefined) {
    console.log(`no network is running (looked in ${STATE_FOLDER}); built only`);
    return;
  }
  const store = new DeploymentStore(STATE_FOLDER);
  const own = built.filter((b) => !DEPLOYED.has(b.name) && (names.includes(b.name) || store.load()?.canisters[b.name] !== undefined));
  for (const { name } of own) console.log(`${name} is at ${await install(network, store, name, reinstall)}`);
  if (built.some((b) => DEPLOYED.has(b.name))) await new Deployer(network, store, new Progress()).run();
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const args = process.argv.slice(2);
  const names = args.filter((a) => !a.startsWith('--'));
  let busy = false;
  let again = false;
  const run = async (): Promise<void> => {
    if (busy) {
      again = true;
      return;
    }
    busy = true;
    do {
      again = false;
      try {
        await round(names, args.includes('--reinstall'));
      } catch (error) {
        console.error(error instanceof BuildError ? error.message : error);
      }
    } while (again);
    busy = false;
  };
  await run();
  if (!args.includes('--once')) {
    let timer: NodeJS.Timeout | undefined;
    for (const folder of WATCHED) {
      watch(join(BACKEND, folder), { recursive: true }, (_event, file) => {
        if (file === null || !/\.(ts|did)$/.test(file) || file.endsWith('.test.ts')) return;
        clearTimeout(timer);
        timer = setTimeout(() => void run(), QUIET_MILLIS);
      });
    }
    console.log('watching; Ctrl-C stops');
  }
}
