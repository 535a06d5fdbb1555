/**
 * Which subnets a PocketIC instance has: from the create-instance request to subnet specifications
 * for the embedded network, and back to the topology that clients read.
 *
 * Always: ids of automatically created canisters never collide with ids of the public network.
 *
 * Source: PocketIC REST protocol (`subnet_config_set`, topology); the mainnet routing table.
 */
import { Principal } from '../types/principal.ts';
import type { InstructionLimits, SubnetConfig, SubnetKind } from '../types/subnet-config.ts';
import { APPLICATION_SUBNET, FREE, SYSTEM_SUBNET } from '../types/subnet-config.ts';
import { BadRequest, list, object } from './fields.ts';
import type { JsonObject } from './fields.ts';
import type { JsonValue } from './json.ts';

export type PocketKind =
  | 'NNS'
  | 'SNS'
  | 'II'
  | 'Fiduciary'
  | 'Bitcoin'
  | 'System'
  | 'Application'
  | 'VerifiedApplication';

/** Inclusive, textual. */
export type TextRange = readonly [start: string, end: string];

export interface PocketSubnet {
  readonly pocketKind: PocketKind;
  readonly kind: SubnetKind;
  readonly size: number;
  readonly instructionConfig: 'Production' | 'Benchmarking';
  readonly ranges: readonly TextRange[];
  readonly allocationRanges: readonly TextRange[];
  readonly config: Partial<SubnetConfig>;
}

/** Ids in a block of automatically created canisters. */
const BLOCK_IDS = 1n << 20n;
const LAST_BLOCK = (2n ** 64n - 1n) / BLOCK_IDS;

/** Ranges of the public network for the named subnets. */
const MAINNET_RANGES: { readonly [kind in PocketKind]?: readonly TextRange[] } = {
  NNS: [
    ['rwlgt-iiaaa-aaaaa-aaaaa-cai', 'renrk-eyaaa-aaaaa-aaada-cai'],
    ['qoctq-giaaa-aaaaa-aaaea-cai', 'n5n4y-3aaaa-aaaaa-p777q-cai'],
  ],
  II: [
    ['rdmx6-jaaaa-aaaaa-aaadq-cai', 'rdmx6-jaaaa-aaaaa-aaadq-cai'],
    ['uc7f6-kaaaa-aaaaq-qaaaa-cai', 'ijz7v-ziaaa-aaaaq-7777q-cai'],
  ],
  Bitcoin: [['g3wsl-eqaaa-aaaan-aaaaa-cai', '2qqia-xyaaa-aaaan-p777q-cai']],
  Fiduciary: [['mf7xa-laaaa-aaaar-qaaaa-cai', 'qoznl-yiaaa-aaaar-7777q-cai']],
  SNS: [['ybpmr-kqaaa-aaaaq-aaaaa-cai', 'ekjw2-zyaaa-aaaaq-p777q-cai']],
};

const SIZES: { readonly [kind in PocketKind]: number } = {
  NNS: 40,
  SNS: 34,
  II: 34,
  Fiduciary: 34,
  Bitcoin: 13,
  System: 13,
  Application: 13,
  VerifiedApplication: 13,
};

const SYSTEM_KINDS: readonly PocketKind[] = ['NNS', 'II', 'Bitcoin', 'System'];

/** What "Benchmarking" lifts every instruction limit to. */
const BENCHMARKING_INSTRUCTIONS = 99_999_999_999_999;
const BENCHMARKING: InstructionLimits = {
  message: BENCHMARKING_INSTRUCTIONS,
  install: BENCHMARKING_INSTRUCTIONS,
  query: BENCHMARKING_INSTRUCTIONS,
  compositeQueryTotal: BENCHMARKING_INSTRUCTIONS,
  inspectMessage: BENCHMARKING_INSTRUCTIONS,
  round: BENCHMARKING_INSTRUCTIONS,
};

/** Named subnets come first, in this order; then system, application, verified application. */
const NAMED: readonly (readonly [field: string, kind: PocketKind])[] = [
  ['nns', 'NNS'],
  ['sns', 'SNS'],
  ['ii', 'II'],
  ['fiduciary', 'Fiduciary'],
  ['bitcoin', 'Bitcoin'],
];
const LISTED: readonly (readonly [field: string, kind: PocketKind])[] = [
  ['system', 'System'],
  ['application', 'Application'],
  ['verified_application', 'VerifiedApplication'],
];

function blockRange(block: number): TextRange {
  const start = (LAST_BLOCK - 1n - BigInt(block)) * BLOCK_IDS;
  return [
    Principal.fromCanisterIndex(start).toText(),
    Principal.fromCanisterIndex(start + BLOCK_IDS - 1n).toText(),
  ];
}

function subnet(kind: PocketKind, spec: JsonObject, block: number): PocketSubnet {
  if (spec.state_config !== undefined && spec.state_config !== 'New') {
    throw new BadRequest('Subnets from a state directory are not supported: use state_config "New".');
  }
  const system = SYSTEM_KINDS.includes(kind);
  const size = SIZES[kind];
  const base = system ? SYSTEM_SUBNET : APPLICATION_SUBNET;
  const benchmarking = spec.instruction_config === 'Benchmarking';
  const free = spec.cost_schedule === 'Free';
  if (free && kind !== 'Application') {
    throw new BadRequest('Only application subnets can have a free cost schedule.');
  }
  const own = blockRange(block);
  return {
    pocketKind: kind,
    kind: base.kind,
    size,
    instructionConfig: benchmarking ? 'Benchmarking' : 'Production',
    ranges: [...(MAINNET_RANGES[kind] ?? []), own],
    allocationRanges: [own],
    config: {
      feeSubnetSize: size,
      httpOutcalls: true,
      ...(benchmarking ? { instructions: BENCHMARKING } : {}),
      ...(free ? { fees: FREE } : {}),
    },
  };
}

/** The subnets asked for; the first is the root of trust. Throws BadRequest. */
export function subnetsOf(configSet: JsonValue | undefined): PocketSubnet[] {
  const set = object(configSet, 'subnet_config_set');
  const subnets: PocketSubnet[] = [];
  for (const [field, kind] of NAMED) {
    const spec = set[field];
    if (spec === undefined || spec === null) continue;
    subnets.push(subnet(kind, object(spec, field), subnets.length));
  }
  for (const [field, kind] of LISTED) {
    for (const spec of list(set[field] ?? [], field)) {
      subnets.push(subnet(kind, object(spec, field), subnets.length));
    }
  }
  if (list(set.cloud_engine ?? [], 'cloud_engine').length > 0) {
    throw new BadRequest('Cloud engine subnets are not supported.');
  }
  if (subnets.length === 0) throw new BadRequest('SubnetConfigSet must contain at least one subnet');
  return subnets;
}

/** Where a canister goes whose creator names no place. */
const DEFAULT_ORDER: readonly PocketKind[] = ['Application', 'VerifiedApplication', 'System'];

/** Index of the default subnet. */
export function defaultSubnet(subnets: readonly PocketSubnet[]): number {
  for (const kind of DEFAULT_ORDER) {
    const index = subnets.findIndex(({ pocketKind }) => pocketKind === kind);
    if (index >= 0) return index;
  }
  return 0;
}
