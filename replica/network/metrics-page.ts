/** The network's figures in the Prometheus text format (version 0.0.4). */
import type { SubnetOverview } from '../node/types.ts';
import type { SubnetStatus } from './subnet-keeper.ts';

interface Metric {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge';
  readonly value: (subnet: SubnetOverview) => number | bigint | undefined;
}

const METRICS: readonly Metric[] = [
  { name: 'parley_block_height', help: 'Height of the last certified block.', type: 'gauge', value: (s) => s.height },
  { name: 'parley_block_time_seconds', help: 'Time of the last certified block, Unix seconds.', type: 'gauge', value: (s) => Number(s.timeNanos / 1_000_000n) / 1000 },
  { name: 'parley_checkpoint_height', help: 'Height of the last checkpoint.', type: 'gauge', value: (s) => s.checkpointHeight },
  { name: 'parley_canisters', help: 'Canisters of the subnet.', type: 'gauge', value: (s) => s.canisterCount },
  { name: 'parley_canisters_live', help: 'Canisters with a live Wasm instance.', type: 'gauge', value: (s) => s.counters.liveCanisters },
  { name: 'parley_canister_state_bytes', help: 'Memory of all canisters.', type: 'gauge', value: (s) => s.canisterStateBytes },
  { name: 'parley_cycles_consumed_total', help: 'Cycles consumed by canisters since genesis.', type: 'counter', value: (s) => s.cyclesConsumed },
  { name: 'parley_update_transactions_total', help: 'Update transactions since genesis.', type: 'counter', value: (s) => s.updateTransactions },
  { name: 'parley_blocks_total', help: 'Blocks executed by this process.', type: 'counter', value: (s) => s.counters.blocks },
  { name: 'parley_messages_executed_total', help: 'Messages executed by this process.', type: 'counter', value: (s) => s.counters.messagesExecuted },
  { name: 'parley_instructions_total', help: 'Instructions executed by this process, queries excluded.', type: 'counter', value: (s) => s.counters.instructions },
  { name: 'parley_ingress_accepted_total', help: 'Ingress messages let in.', type: 'counter', value: (s) => s.counters.ingressAccepted },
  { name: 'parley_ingress_rejected_total', help: 'Ingress messages refused by the filter.', type: 'counter', value: (s) => s.counters.ingressRejected },
  { name: 'parley_queries_total', help: 'Queries answered.', type: 'counter', value: (s) => s.counters.queries },
  { name: 'parley_xnet_slices_received_total', help: 'Stream slices received from other subnets.', type: 'counter', value: (s) => s.counters.slicesReceived },
  { name: 'parley_checkpoints_total', help: 'Checkpoints written by this process.', type: 'counter', value: (s) => s.counters.checkpoints },
  { name: 'parley_log_bytes', help: 'Bytes in the batch log since the last checkpoint.', type: 'gauge', value: (s) => s.counters.logBytes },
  { name: 'parley_execute_seconds_total', help: 'Time spent executing and hashing batches.', type: 'counter', value: (s) => s.counters.executeSeconds },
  { name: 'parley_sync_seconds_total', help: 'Time spent waiting for the disk beyond execution.', type: 'counter', value: (s) => s.counters.syncSeconds },
  { name: 'parley_sign_seconds_total', help: 'Time spent signing state roots.', type: 'counter', value: (s) => s.counters.signSeconds },
];

export interface ProcessFigures {
  readonly residentBytes: number;
  readonly cpuSeconds: number;
  readonly uptimeSeconds: number;
}

/** Of every subnet, also of one that cannot be asked. */
export interface SubnetHealth extends SubnetStatus {
  readonly subnetId: string;
  readonly kind: string;
}

const HEALTH_METRICS: readonly (readonly [name: string, type: 'counter' | 'gauge', help: string, value: (subnet: SubnetHealth) => number])[] = [
  ['parley_subnet_up', 'gauge', 'Whether the subnet is running.', ({ state }) => (state === 'running' ? 1 : 0)],
  ['parley_subnet_restarts_total', 'counter', 'How often its worker failed and was started again.', ({ restarts }) => restarts],
];

/** `subnets` are those that answered. */
export function metricsText(subnets: readonly SubnetOverview[], healths: readonly SubnetHealth[], process: ProcessFigures): string {
  const lines: string[] = [];
  for (const [name, type, help, value] of HEALTH_METRICS) {
    lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`);
    for (const health of healths) lines.push(`${name}{subnet="${health.subnetId}",kind="${health.kind}"} ${value(health)}`);
  }
  for (const { name, help, type, value } of METRICS) {
    lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`);
    for (const subnet of subnets) {
      const now = value(subnet);
      if (now !== undefined) lines.push(`${name}{subnet="${subnet.subnetId}",kind="${subnet.kind}"} ${now}`);
    }
  }
  const own: readonly (readonly [string, string, string, number])[] = [
    ['process_resident_memory_bytes', 'gauge', 'Resident memory of the process.', process.residentBytes],
    ['process_cpu_seconds_total', 'counter', 'User and system time of the process.', process.cpuSeconds],
    ['process_uptime_seconds', 'gauge', 'Time since the process began.', process.uptimeSeconds],
  ];
  for (const [name, type, help, now] of own) lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, `${name} ${now}`);
  return lines.join('\n') + '\n';
}
