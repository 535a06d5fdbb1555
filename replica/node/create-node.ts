/** Puts a node together from what its subnet folder holds, and brings it to the last synced batch. */
import { BlsSecretKey } from '../crypto/bls.ts';
import { signStateRoot } from '../crypto/certificate.ts';
import { NodeSigningKey } from '../crypto/keys.ts';
import { keyedRandomness, SoloConsensus } from '../consensus/solo.ts';
import { MessageRouting, type MessageRoutingOptions } from '../messaging/message-routing.ts';
import { managementCanister } from '../execution/management/management.ts';
import { compileModule, executeEntryPoint, restoreExecutionState } from '../execution/wasm/engine.ts';
import type { ExecutionState } from '../execution/wasm/types.ts';
import { topologyOf } from '../registry/registry.ts';
import type { Registry } from '../registry/registry.ts';
import type { SubnetSecrets } from '../registry/keys.ts';
import type { CertifiedTree } from '../state/certified-tree.ts';
import type { CanisterState } from '../state/canister-state.ts';
import { ReplicatedState } from '../state/replicated-state.ts';
import { nodeFileSystem } from '../state/store/file-system.ts';
import type { FileSystem } from '../state/store/file-system.ts';
import { LmdbCheckpointStore } from '../state/store/lmdb-checkpoint-store.ts';
import type { CodeLoader } from '../state/store/state-records.ts';
import type { Batch, BatchOutcome } from '../types/batch.ts';
import { Principal } from '../types/principal.ts';
import { APPLICATION_SUBNET, SYSTEM_SUBNET } from '../types/subnet-config.ts';
import type { SubnetConfig } from '../types/subnet-config.ts';
import { NOT_DURABLE, recover } from './durable-state.ts';
import type { DurabilityOptions, DurableState } from './durable-state.ts';
import { Eviction } from './eviction.ts';
import { SubnetNode } from './subnet-node.ts';
import type { NodeClock, NodeHost } from './types.ts';

export interface NodeConfig {
  readonly registry: Registry;
  /** Principal bytes. */
  readonly subnetId: Uint8Array;
  readonly secrets: SubnetSecrets;
  /** The subnet's state folder; undefined keeps everything in memory. */
  readonly folder: string | undefined;
  /** Differences from the configuration of the subnet's kind. */
  readonly config?: Partial<SubnetConfig> | undefined;
}

export interface NodeSurroundings {
  readonly clock: NodeClock;
  readonly host: NodeHost;
  readonly fileSystem?: FileSystem;
  readonly randomBytes: (length: number) => Uint8Array;
  readonly later?: (millis: number, callback: () => void) => () => void;
  readonly monotonicMillis: () => number;
  /** See SubnetNodeParts. */
  readonly queryClockMillis?: () => number;
  /** See SubnetNodeParts. */
  readonly intake?: () => Promise<void>;
  readonly checkpointBatches?: number | undefined;
  /** Told where canisters trap, for tests. */
  readonly onTrap?: MessageRoutingOptions['onTrap'];
}

/** Throws StoreError when the folder cannot be used. `initBls()` must have resolved before. */
export async function createNode(config: NodeConfig, around: NodeSurroundings): Promise<SubnetNode> {
  const { registry, secrets } = config;
  const topology = topologyOf(registry);
  const id = Principal.fromBytes(config.subnetId);
  const record = registry.subnets.find((subnet) => subnet.id.equals(id));
  if (!record) throw new Error(`subnet ${id.toText()} is not in the registry`);
  const subnetConfig: SubnetConfig = { ...(record.kind === 'system' ? SYSTEM_SUBNET : APPLICATION_SUBNET), ...config.config };
  const genesis = (): ReplicatedState => new ReplicatedState(id, record.kind, topology, record.allocationRanges);
  const routingOf = (state: ReplicatedState): MessageRouting =>
    new MessageRouting({ config: subnetConfig, state, management: managementCanister, engine: { executeEntryPoint }, onTrap: around.onTrap });

  const eviction = new Eviction(executionStateOf);
  let state: ReplicatedState;
  let tree: CertifiedTree | undefined;
  let durable: DurableState = NOT_DURABLE;
  let routing: MessageRouting | undefined;
  if (config.folder === undefined) {
    state = genesis();
  } else {
    const began = around.monotonicMillis();
    const store = new LmdbCheckpointStore(`${config.folder}/checkpoint`);
    const options: DurabilityOptions = {
      store,
      fileSystem: around.fileSystem ?? nodeFileSystem,
      logFolder: `${config.folder}/log`,
      topology,
      loader: codeLoader(),
      randomBytes: around.randomBytes,
      log: (level, event, fields) => around.host.log(level, event, fields),
      ...(around.later && { later: around.later }),
      monotonicMillis: around.monotonicMillis,
      checkpointBatches: around.checkpointBatches,
    };
    const executor = (loaded: ReplicatedState): { executeBatch(batch: Batch): BatchOutcome } => {
      const replaying = (routing = routingOf(loaded));
      return {
        executeBatch: (batch) => {
          const outcome = replaying.executeBatch(batch);
          eviction.afterBatch(loaded, outcome);
          return outcome;
        },
      };
    };
    const recovered = await closedOnFailure(store, () => recover(options, genesis, executor));
    ({ state, durable, tree } = recovered);
    around.host.log('info', 'state.recovered', {
      height: state.height,
      canisters: state.canisters.size,
      replayed: recovered.replayed,
      millis: Math.round(around.monotonicMillis() - began),
    });
  }
  const executor = routing ?? routingOf(state);
  const nodeKey = NodeSigningKey.fromSeed(secrets.nodeSeed);
  const subnetKey = BlsSecretKey.fromSeed(secrets.subnetSeed);
  return new SubnetNode({
    state,
    ...(tree && { tree }),
    config: subnetConfig,
    routing: executor,
    consensus: (payload) =>
      new SoloConsensus({
        height: state.height,
        timeNanos: state.timeNanos,
        ...executor.waiting(),
        payload,
        nodeId: Principal.fromBytes(nodeKey.nodeId),
        randomness: keyedRandomness(secrets.randomnessKey),
      }),
    durable,
    clock: around.clock,
    host: around.host,
    ...(around.queryClockMillis && { queryClockMillis: around.queryClockMillis }),
    ...(around.intake && { intake: around.intake }),
    nodeKey,
    signRoot: (rootHash) => signStateRoot(subnetKey, rootHash),
    eviction,
  });
}

async function closedOnFailure<T>(store: LmdbCheckpointStore, action: () => T): Promise<T> {
  try {
    return action();
  } catch (error) {
    await store.close();
    throw error;
  }
}

function executionStateOf(canister: CanisterState): ExecutionState | undefined {
  return canister.code?.execution as ExecutionState | undefined;
}

/** Compiles each module once, however many canisters have it. */
function codeLoader(): CodeLoader {
  const modules = new Map<string, ReturnType<typeof compileModule>>();
  return {
    install: (moduleBytes, moduleHash, image, installedAtNanos) => {
      const name = Buffer.from(moduleHash).toString('hex');
      let compiled = modules.get(name);
      if (!compiled) modules.set(name, (compiled = compileModule(moduleBytes)));
      if (!compiled.ok) throw new Error(`module ${name} of the checkpoint does not compile: ${compiled.error.message}`);
      const restored = restoreExecutionState(compiled.module, image);
      if (!restored.ok) throw new Error(`a canister of the checkpoint does not load: ${restored.error.message}`);
      return { module: compiled.module, execution: restored.state, installedAtNanos };
    },
    memoryOf: (canister) => executionStateOf(canister)!,
  };
}
