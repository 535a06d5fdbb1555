/**
 * What differs between subnets: kind, fees, limits. The numbers are those of the public network
 * (execution fact sheet: instruction limits, fee table for 13 nodes, queue and size limits).
 *
 * Never changes during a batch. Every node of a subnet must have the same.
 */
import type { Cycles } from './cycles.ts';

export type SubnetKind = 'application' | 'system';

/** Fees for a subnet of {@link REFERENCE_SUBNET_SIZE} nodes; real fees scale with the subnet's size. */
export interface FeeSchedule {
  readonly canisterCreation: Cycles;
  readonly computePercentPerSecond: Cycles;
  readonly updateMessageExecution: Cycles;
  /** Per instruction of a 32-bit module. */
  readonly instructionWasm32: Cycles;
  readonly instructionWasm64: Cycles;
  readonly ingressInduction: Cycles;
  readonly ingressInductionPerByte: Cycles;
  readonly canisterCall: Cycles;
  readonly transmissionPerByte: Cycles;
  readonly storageGibPerSecond: Cycles;
  readonly thresholdSignature: Cycles;
}

export const REFERENCE_SUBNET_SIZE = 13;

export const APPLICATION_FEES: FeeSchedule = {
  canisterCreation: 500_000_000_000n,
  computePercentPerSecond: 10_000_000n,
  updateMessageExecution: 5_000_000n,
  instructionWasm32: 1n,
  instructionWasm64: 2n,
  ingressInduction: 1_200_000n,
  ingressInductionPerByte: 2_000n,
  canisterCall: 260_000n,
  transmissionPerByte: 1_000n,
  storageGibPerSecond: 127_000n,
  thresholdSignature: 10_000_000_000n,
};

export const FREE: FeeSchedule = {
  canisterCreation: 0n,
  computePercentPerSecond: 0n,
  updateMessageExecution: 0n,
  instructionWasm32: 0n,
  instructionWasm64: 0n,
  ingressInduction: 0n,
  ingressInductionPerByte: 0n,
  canisterCall: 0n,
  transmissionPerByte: 0n,
  storageGibPerSecond: 0n,
  thresholdSignature: 0n,
};

/** Two billion a round, of which there is about one a second. */
export const PUBLIC_INSTALL_INSTRUCTIONS_PER_SECOND = 2_000_000_000;

export interface InstructionLimits {
  /** update, callback, heartbeat, timer, hook, replicated query. */
  readonly message: number;
  /** All phases of an install, reinstall or upgrade together. */
  readonly install: number;
  /** Query, transform, and each step of a composite query. */
  readonly query: number;
  /**
   * A canister whose installations took more than this a second has to wait before the next. Absent: no limit, as local
   * networks have it; the public network allows {@link PUBLIC_INSTALL_INSTRUCTIONS_PER_SECOND}.
   */
  readonly installPerSecond?: number;
  /** The whole call graph of a composite query. */
  readonly compositeQueryTotal: number;
  readonly inspectMessage: number;
  /** A round starts no new message after this many instructions; the rest waits for the next round. */
  readonly round: number;
}

export interface SubnetConfig {
  readonly kind: SubnetKind;
  /** Number of nodes the fees are computed for; need not be the real number. */
  readonly feeSubnetSize: number;
  readonly fees: FeeSchedule;
  readonly instructions: InstructionLimits;
  /** Largest signed ingress envelope. */
  readonly maxIngressBytes: number;
  readonly memoryCapacityBytes: number;
  /** Growth of a canister reserves cycles for its storage once the subnet uses more than this. */
  readonly storageReservationThresholdBytes: number;
  /** So many seconds of storage are reserved for a byte on a full subnet, linearly fewer below. */
  readonly maxStorageReservationSeconds: bigint;
  /** Requests, and separately responses with reserved slots, per ordered pair of canisters. */
  readonly queueCapacity: number;
  /** Memory for guaranteed-response calls, all canisters together: a call that would need more is not made. */
  readonly guaranteedResponseMemoryBytes: number;
  /** Memory for best-effort messages in queues, all canisters together: above it the largest are dropped. */
  readonly bestEffortMemoryBytes: number;
  /** Callbacks open on the subnet above which a canister may hold only {@link callbacksGuaranteedPerCanister}. */
  readonly callbacksSoftLimit: number;
  readonly callbacksGuaranteedPerCanister: number;
  /** Compute allocation that may be granted, in percent, all canisters together. */
  readonly computeCapacityPercent: number;
  /** Textual principals that may create, start, stop, delete and list canisters of this subnet. Absent: nobody. */
  readonly subnetAdmins?: readonly string[];
  /** Whether somebody carries HTTP outcalls out and consensus answers them. Absent: no. */
  readonly httpOutcalls?: boolean;
  readonly maxIngressMessagesPerBlock: number;
  /** Messages of users remembered at a time, above which new ones are rejected. Absent: no limit, as on system subnets. */
  readonly maxIngressHistoryMessages?: number;
  /** Users' messages and slices of streams together. */
  readonly maxBlockPayloadBytes: number;
}

const GIB = 1024 ** 3;
const MIB = 1024 ** 2;

/** No message starts once a round has used this much (execution sheet §5); one that has started may use its whole limit. */
const ROUND_INSTRUCTIONS = 7_000_000_000;

const COMMON = {
  feeSubnetSize: REFERENCE_SUBNET_SIZE,
  memoryCapacityBytes: 2048 * GIB,
  storageReservationThresholdBytes: 750 * GIB,
  maxStorageReservationSeconds: 300_000_000n,
  queueCapacity: 500,
  guaranteedResponseMemoryBytes: 15 * GIB,
  bestEffortMemoryBytes: 5 * GIB,
  callbacksSoftLimit: 1_000_000,
  callbacksGuaranteedPerCanister: 50,
  computeCapacityPercent: 299,
  maxIngressMessagesPerBlock: 1000,
  maxBlockPayloadBytes: 4 * MIB,
} as const;

/** 1,000 a block, a block a second, for five minutes of expiry; twice, as answers stay as long again. */
const INGRESS_HISTORY_MESSAGES = 2 * 1000 * 300;

export const APPLICATION_SUBNET: SubnetConfig = {
  ...COMMON,
  kind: 'application',
  maxIngressHistoryMessages: INGRESS_HISTORY_MESSAGES,
  fees: APPLICATION_FEES,
  instructions: {
    message: 40_000_000_000,
    install: 300_000_000_000,
    query: 5_000_000_000,
    compositeQueryTotal: 5_000_000_000,
    inspectMessage: 200_000_000,
    round: ROUND_INSTRUCTIONS,
  },
  maxIngressBytes: 2 * MIB,
};

export const SYSTEM_SUBNET: SubnetConfig = {
  ...COMMON,
  kind: 'system',
  fees: FREE,
  instructions: {
    message: 50_000_000_000,
    install: 1_000_000_000_000,
    query: 50_000_000_000,
    compositeQueryTotal: 50_000_000_000,
    inspectMessage: 200_000_000,
    round: ROUND_INSTRUCTIONS,
  },
  maxIngressBytes: 3.5 * MIB,
};
