/**
 * Keeping the memory of best-effort messages within the subnet's bound by dropping the largest (execution sheet §3).
 *
 * Always: deterministic; the canister whose messages take most loses its largest first, again and again until the rest
 * fits. What is dropped becomes a short reject in the same call, so that the caller hears of it, slots stay as they were
 * and attached cycles go back: SYS_TRANSIENT if the request never left its caller, otherwise SYS_UNKNOWN (IC0602).
 * Never: a guaranteed-response message, or a message in a stream (streams have bounds of their own).
 */
import { ErrorCode, userError } from '../types/errors.ts';
import { isBestEffort, type CanisterMessage } from '../types/messages.ts';
import type { PrincipalKey } from '../types/principal.ts';
import { messageBytes, MESSAGE_OVERHEAD_BYTES, type CanisterQueues } from '../state/queues.ts';
import type { ReplicatedState } from '../state/replicated-state.ts';
import { rejection } from './answers.ts';
import { rejectRequest } from './delivery.ts';
import type { Round } from './environment.ts';

/**
 * Smaller messages stay: the reject in their place would take as much. They cannot fill the memory on their own: the
 * limit on callbacks leaves a million calls of two messages.
 */
const SMALLEST_SHED_BYTES = 2 * MESSAGE_OVERHEAD_BYTES;

const DROPPED = userError(ErrorCode.ResponseDropped, 'Response was dropped.');
const NOT_SENT = userError(ErrorCode.CanisterQueueFull, 'Request was dropped before it was sent: out of message memory.');

/** True when something was dropped: there are rejects to deliver. */
export function shedBestEffortMessages(round: Round): boolean {
  const { state, config, environment } = round;
  const { work } = environment;
  work.sync();
  let excess = work.bestEffortBytes - config.bestEffortMemoryBytes;
  if (excess <= 0) return false;
  // Ascending: the next to lose a message is the last.
  const holders = [...work.bestEffortUse()].map(([key, bytes]) => new Holder(state, key, bytes));
  if (state.subnetQueues.bestEffortBytes > 0) {
    holders.push(new Holder(state, undefined, state.subnetQueues.bestEffortBytes));
  }
  holders.sort(compare);
  let shed = false;
  while (excess > 0) {
    const holder = holders.pop();
    if (holder === undefined) break;
    const before = holder.bytes;
    if (!holder.shedLargest()) continue;
    shed = true;
    excess -= before - holder.bytes;
    insert(holders, holder);
  }
  work.sync();
  return shed;
}

/** By memory, then by id; the management canister before all canisters. */
function compare(left: Holder, right: Holder): number {
  return left.bytes - right.bytes || (left.order < right.order ? -1 : 1);
}

function insert(holders: Holder[], holder: Holder): void {
  let low = 0;
  let high = holders.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (compare(holders[middle]!, holder) < 0) low = middle + 1;
    else high = middle;
  }
  holders.splice(low, 0, holder);
}

interface Waiting {
  readonly message: CanisterMessage;
  readonly from: 'inputs' | 'outputs';
  readonly bytes: number;
}

/** A canister (or the management canister) with best-effort messages in its queues. */
class Holder {
  readonly order: string;
  bytes: number;
  readonly #queues: CanisterQueues;
  readonly #changed: () => void;
  /** Ascending by size; made when first needed. */
  #waiting: Waiting[] | undefined;

  constructor(state: ReplicatedState, key: PrincipalKey | undefined, bytes: number) {
    const canister = key === undefined ? undefined : state.canisters.get(key)!;
    this.order = key ?? '';
    this.bytes = bytes;
    this.#queues = canister?.queues ?? state.subnetQueues;
    this.#changed = () => canister?.markDirty();
  }

  /** False: nothing here is worth dropping. */
  shedLargest(): boolean {
    this.#waiting ??= sheddable(this.#queues);
    const largest = this.#waiting.pop();
    if (largest === undefined) return false;
    shed(this.#queues, largest);
    this.bytes = this.#queues.bestEffortBytes;
    this.#changed();
    return true;
  }
}

/** Stable order: of messages of the same size, the one that came last to the queue made last goes first. */
function sheddable(queues: CanisterQueues): Waiting[] {
  const all: Waiting[] = [];
  for (const from of ['inputs', 'outputs'] as const) {
    for (const { messages } of queues[from].values()) {
      for (const message of messages) {
        const bytes = messageBytes(message);
        if (isBestEffort(message) && bytes > SMALLEST_SHED_BYTES) all.push({ message, from, bytes });
      }
    }
  }
  return all.sort((left, right) => left.bytes - right.bytes);
}

function shed(queues: CanisterQueues, { message, from }: Waiting): void {
  if (message.kind === 'response') {
    queues.replaceResponse(message, { ...message, payload: rejection(DROPPED) });
  } else if (from === 'inputs') {
    queues.removeInputs((other) => other === message);
    queues.pushOutputResponse(rejectRequest(message, DROPPED));
  } else {
    queues.removeOutputs((other) => other === message);
    queues.pushInputResponse(rejectRequest(message, NOT_SENT));
  }
}
