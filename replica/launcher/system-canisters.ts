/**
 * The canisters that the `icp` tool expects in every network, at the ids that it knows by heart.
 *
 * They are built from `backend/canisters`; this file only installs what was built. Their controller is the id of the
 * root canister of the public network's governance, for which nobody has a key.
 */
import { existsSync, readFileSync } from 'node:fs';
import { IDL } from '@dfinity/candid';
import { Principal as AgentPrincipal } from '@dfinity/principal';
import { updateCanister } from '../http/gateway/canister-calls.ts';
import { realTimer } from '../http/timer.ts';
import type { Logger } from '../network/logger.ts';
import { createCanisterCall, installCalls } from '../network/management-calls.ts';
import type { Network } from '../network/network.ts';
import { Principal } from '../types/principal.ts';

const CONTROLLER = Principal.fromText('r7inp-6aaaa-aaaaa-aaabq-cai');
const BUILT = new URL('../../backend/build/', import.meta.url);

interface SystemCanister {
  /** Name of the module in the build folder. */
  readonly name: string;
  readonly id: string;
  readonly cycles: bigint;
  readonly initArg: (network: Network) => Uint8Array;
}

const T = 1_000_000_000_000n;
const ICP = 100_000_000n;

/** The tool seeds its identities from the anonymous principal's accounts: 1,000,000 ICP and 1,000 T cycles each. */
const ANONYMOUS_ICP = 1_000_000_000n * ICP;
const ANONYMOUS_CYCLES = 1_000_000n * T;
/** Ten-thousandths of an XDR; a local network has no exchange to ask. */
const XDR_PERMYRIAD_PER_ICP = 40_000n;

const Account = IDL.Record({ owner: IDL.Principal, subaccount: IDL.Opt(IDL.Vec(IDL.Nat8)) });
const anonymous = { owner: AgentPrincipal.anonymous(), subaccount: [] };

function icpLedgerArg(): Uint8Array {
  const Init = IDL.Record({ initial_balances: IDL.Vec(IDL.Record({ account: Account, e8s: IDL.Nat64 })) });
  return new Uint8Array(IDL.encode([Init], [{ initial_balances: [{ account: anonymous, e8s: ANONYMOUS_ICP }] }]));
}

function cyclesLedgerArg(): Uint8Array {
  const Init = IDL.Record({ initial_balances: IDL.Vec(IDL.Record({ account: Account, amount: IDL.Nat })) });
  return new Uint8Array(IDL.encode([Init], [{ initial_balances: [{ account: anonymous, amount: ANONYMOUS_CYCLES }] }]));
}

function cyclesMintingArg(network: Network): Uint8Array {
  const Init = IDL.Record({ default_subnets: IDL.Vec(IDL.Principal), xdr_permyriad_per_icp: IDL.Nat64 });
  const applications = network.registry.subnets.filter(({ kind }) => kind === 'application');
  const default_subnets = applications.map(({ id }) => AgentPrincipal.fromUint8Array(id.bytes));
  return new Uint8Array(IDL.encode([Init], [{ default_subnets, xdr_permyriad_per_icp: XDR_PERMYRIAD_PER_ICP }]));
}

const SYSTEM_CANISTERS: readonly SystemCanister[] = [
  { name: 'icp_ledger', id: 'ryjl3-tyaaa-aaaaa-aaaba-cai', cycles: 100n * T, initArg: icpLedgerArg },
  { name: 'cycles_minting', id: 'rkp4c-7iaaa-aaaaa-aaaca-cai', cycles: 100n * T, initArg: cyclesMintingArg },
  // Backs every account, and pays for the canisters made from them.
  { name: 'cycles_ledger', id: 'um5iw-rqaaa-aaaaq-qaaba-cai', cycles: 10n * ANONYMOUS_CYCLES, initArg: cyclesLedgerArg },
];

/** Installs those that are built and not there yet; the others are named in the log. */
export async function installSystemCanisters(network: Network, log: Logger): Promise<void> {
  for (const canister of SYSTEM_CANISTERS) {
    const file = new URL(`${canister.name}.wasm`, BUILT);
    if (!existsSync(file)) {
      log('warn', 'launcher.not-built', { canister: canister.name, hint: 'npm run build -w backend' });
      continue;
    }
    await installOne(network, canister, new Uint8Array(readFileSync(file)));
  }
}

async function installOne(network: Network, canister: SystemCanister, module: Uint8Array): Promise<void> {
  const id = Principal.fromText(canister.id);
  const manage = async (method: string, arg: Uint8Array): Promise<boolean> => {
    const result = await updateCanister(network, realTimer, Principal.management().bytes, method, arg, { sender: CONTROLLER.bytes, effectiveId: id.bytes });
    if (result.kind === 'replied') return true;
    if (result.kind === 'unavailable') throw new Error(`${canister.name}: ${result.text}`);
    // Kept from an earlier start.
    if (result.error.errorCode === 'IC0205' || result.error.errorCode === 'IC0538') return false;
    throw new Error(`${canister.name}: ${result.error.errorCode} ${result.error.rejectMessage}`);
  };
  const create = createCanisterCall({ id, cycles: canister.cycles, controllers: [CONTROLLER] });
  if (!(await manage(create.method, create.arg))) return;
  for (const call of installCalls(id, module, canister.initArg(network), { mode: 'install' })) await manage(call.method, call.arg);
}
