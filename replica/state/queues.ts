/**
 * Input and output queues of a canister (or of the management canister of a subnet), one pair per peer.
 *
 * Always: messages of one sender to one receiver stay in order. A request takes a slot for its response in the
 * opposite direction when it is accepted, so a response always fits.
 * Never: more than `capacity` requests, or more than `capacity` responses with reserved slots, per queue.
 * Source: execution sheet §7 (500 requests + reserved response slots).
 */
import type { CanisterMessage, CanisterRequest, CanisterResponse } from '../types/messages.ts';
import { isBestEffort, payloadBytes } from '../types/messages.ts';
import type { PrincipalKey } from '../types/principal.ts';

/** Bytes reserved for the response of a guaranteed-response call: the largest response. */
export const RESPONSE_RESERVATION_BYTES = 2 * 1024 * 1024;

/** What a message takes beside its payload: ids, numbers, its place in a queue. */
export const MESSAGE_OVERHEAD_BYTES = 256;

/** Memory that a message counts as. */
export function messageBytes(message: CanisterMessage): number {
  return payloadBytes(message) + MESSAGE_OVERHEAD_BYTES;
}

/**
 * Message memory that a new guaranteed-response request of so many bytes takes, its response's reservation included: up
 * to the largest response the two share one, since the request is gone before the response comes.
 */
export function guaranteedRequestBytes(bytes: number): number {
  return Math.max(RESPONSE_RESERVATION_BYTES, bytes);
}

/** What a waiting guaranteed-response message takes beyond the reservations. */
function guaranteedBytesOf(message: CanisterMessage): number {
  const bytes = messageBytes(message);
  return message.kind === 'response' ? bytes : Math.max(0, bytes - RESPONSE_RESERVATION_BYTES);
}

export interface MessageQueue {
  messages: CanisterMessage[];
  /** Of `messages`, how many are requests. */
  requests: number;
  /** Responses still to come for which a slot is kept. */
  reserved: number;
}

function emptyQueue(): MessageQueue {
  return { messages: [], requests: 0, reserved: 0 };
}

export class CanisterQueues {
  /** By sender. */
  readonly inputs = new Map<PrincipalKey, MessageQueue>();
  /** By receiver. */
  readonly outputs = new Map<PrincipalKey, MessageQueue>();
  /** Senders with waiting messages, next first: round robin. */
  inputSchedule: PrincipalKey[] = [];
  /** Receivers with waiting messages, in the order in which they got their first. */
  readonly outputSchedule = new Set<PrincipalKey>();
  /** Guaranteed-response slots reserved in both directions. */
  guaranteedReservations = 0;
  inputMessages = 0;
  outputMessages = 0;
  /** Memory of waiting best-effort messages, both directions. */
  bestEffortBytes = 0;
  /** Memory of waiting guaranteed responses, and of requests beyond what their reservation covers. */
  #guaranteedBytes = 0;

  /** True when one more request to `receiver` would fit, its response included. */
  canSendRequest(receiver: PrincipalKey, capacity: number, alsoSending = 0): boolean {
    const output = this.outputs.get(receiver);
    const input = this.inputs.get(receiver);
    const responses = input === undefined ? 0 : input.messages.length - input.requests + input.reserved;
    return (output?.requests ?? 0) + alsoSending < capacity && responses + alsoSending < capacity;
  }

  /** Puts a request in the output queue and reserves its response. Check {@link canSendRequest} first. */
  pushOutputRequest(request: CanisterRequest): void {
    const output = queueOf(this.outputs, request.receiver.key);
    output.messages.push(request);
    this.#count(request, 1);
    this.outputSchedule.add(request.receiver.key);
    output.requests++;
    this.outputMessages++;
    queueOf(this.inputs, request.receiver.key).reserved++;
    if (!isBestEffort(request)) this.guaranteedReservations++;
  }

  /** Uses the slot reserved when the request was accepted. */
  pushOutputResponse(response: CanisterResponse): void {
    const output = queueOf(this.outputs, response.originator.key);
    if (output.reserved <= 0) throw new Error(`no slot reserved for a response to ${response.originator.toText()}`);
    output.reserved--;
    if (!isBestEffort(response)) this.guaranteedReservations--;
    output.messages.push(response);
    this.#count(response, 1);
    this.outputSchedule.add(response.originator.key);
    this.outputMessages++;
  }

  /** True when a request from `sender` fits, and a slot for its response. */
  canReceiveRequest(sender: PrincipalKey, capacity: number): boolean {
    const input = this.inputs.get(sender);
    const output = this.outputs.get(sender);
    const responses = output === undefined ? 0 : output.messages.length - output.requests + output.reserved;
    return (input?.requests ?? 0) < capacity && responses < capacity;
  }

  pushInputRequest(request: CanisterRequest): void {
    const input = queueOf(this.inputs, request.sender.key);
    this.#pushInput(request.sender.key, input, request);
    input.requests++;
    queueOf(this.outputs, request.sender.key).reserved++;
    if (!isBestEffort(request)) this.guaranteedReservations++;
  }

  /** Uses the slot reserved when the request was sent. */
  pushInputResponse(response: CanisterResponse): void {
    const input = queueOf(this.inputs, response.respondent.key);
    if (input.reserved <= 0) throw new Error(`no slot reserved for a response from ${response.respondent.toText()}`);
    input.reserved--;
    if (!isBestEffort(response)) this.guaranteedReservations--;
    this.#pushInput(response.respondent.key, input, response);
  }

  #pushInput(sender: PrincipalKey, queue: MessageQueue, message: CanisterMessage): void {
    if (queue.messages.length === 0) this.inputSchedule.push(sender);
    queue.messages.push(message);
    this.inputMessages++;
    this.#count(message, 1);
  }

  /** The next input without removing it, round robin over senders. */
  peekInput(): CanisterMessage | undefined {
    const sender = this.inputSchedule[0];
    return sender === undefined ? undefined : this.inputs.get(sender)!.messages[0];
  }

  popInput(): CanisterMessage | undefined {
    const sender = this.inputSchedule.shift();
    if (sender === undefined) return undefined;
    const queue = this.inputs.get(sender)!;
    const message = queue.messages.shift()!;
    if (message.kind === 'request') queue.requests--;
    this.inputMessages--;
    this.#count(message, -1);
    if (queue.messages.length > 0) this.inputSchedule.push(sender);
    else this.#drop(sender);
    return message;
  }

  popOutput(receiver: PrincipalKey): CanisterMessage | undefined {
    const queue = this.outputs.get(receiver);
    const message = queue?.messages.shift();
    if (queue === undefined || message === undefined) return undefined;
    if (message.kind === 'request') queue.requests--;
    this.outputMessages--;
    this.#count(message, -1);
    if (queue.messages.length === 0) {
      this.outputSchedule.delete(receiver);
      this.#drop(receiver);
    }
    return message;
  }

  /** Removes inputs for which `drop` is true and returns them in order. Their reservations stay: answer each request. */
  removeInputs(drop: (message: CanisterMessage) => boolean): CanisterMessage[] {
    return this.#remove(this.inputs, drop, (count) => (this.inputMessages -= count));
  }

  /** Likewise for outputs. */
  removeOutputs(drop: (message: CanisterMessage) => boolean): CanisterMessage[] {
    return this.#remove(this.outputs, drop, (count) => (this.outputMessages -= count));
  }

  #remove(
    queues: Map<PrincipalKey, MessageQueue>,
    drop: (message: CanisterMessage) => boolean,
    removed: (count: number) => void,
  ): CanisterMessage[] {
    const dropped: CanisterMessage[] = [];
    for (const queue of queues.values()) {
      if (!queue.messages.some(drop)) continue;
      const gone = queue.messages.filter(drop);
      queue.messages = queue.messages.filter((message) => !gone.includes(message));
      queue.requests = queue.messages.filter((message) => message.kind === 'request').length;
      removed(gone.length);
      for (const message of gone) this.#count(message, -1);
      dropped.push(...gone);
    }
    if (dropped.length === 0) return dropped;
    const isWaiting = (peer: PrincipalKey): boolean => (queues.get(peer)?.messages.length ?? 0) > 0;
    if (queues === this.inputs) this.inputSchedule = this.inputSchedule.filter(isWaiting);
    else
      for (const receiver of [...this.outputSchedule]) if (!isWaiting(receiver)) this.outputSchedule.delete(receiver);
    return dropped;
  }

  hasInput(): boolean {
    return this.inputMessages > 0;
  }

  hasOutput(): boolean {
    return this.outputMessages > 0;
  }

  /** No message and no reservation. */
  isEmpty(): boolean {
    return this.inputs.size === 0 && this.outputs.size === 0;
  }

  /** Puts `shorter` in the place of a waiting response. */
  replaceResponse(response: CanisterResponse, shorter: CanisterResponse): void {
    for (const queue of [...this.inputs.values(), ...this.outputs.values()]) {
      const at = queue.messages.indexOf(response);
      if (at < 0) continue;
      queue.messages[at] = shorter;
      this.#count(response, -1);
      this.#count(shorter, 1);
      return;
    }
    throw new Error('a response that does not wait cannot be replaced');
  }

  /** Message memory of guaranteed-response calls: a reservation each, and what their messages take beyond it. */
  guaranteedBytes(): number {
    return this.guaranteedReservations * RESPONSE_RESERVATION_BYTES + this.#guaranteedBytes;
  }

  /** All message memory: what the canister pays for. */
  memoryBytes(): number {
    return this.guaranteedBytes() + this.bestEffortBytes;
  }

  /** After the maps were filled from a record: counts what is in them. */
  recount(): void {
    this.bestEffortBytes = 0;
    this.#guaranteedBytes = 0;
    for (const queue of [...this.inputs.values(), ...this.outputs.values()]) {
      for (const message of queue.messages) this.#count(message, 1);
    }
  }

  #count(message: CanisterMessage, sign: 1 | -1): void {
    if (isBestEffort(message)) this.bestEffortBytes += sign * messageBytes(message);
    else this.#guaranteedBytes += sign * guaranteedBytesOf(message);
  }

  /** Forgets the pair of queues once nothing is in or reserved for them, so that the maps stay small. */
  #drop(peer: PrincipalKey): void {
    const input = this.inputs.get(peer);
    const output = this.outputs.get(peer);
    if (isIdle(input) && isIdle(output)) {
      this.inputs.delete(peer);
      this.outputs.delete(peer);
    }
  }
}

function isIdle(queue: MessageQueue | undefined): boolean {
  return queue === undefined || (queue.messages.length === 0 && queue.reserved === 0);
}

function queueOf(queues: Map<PrincipalKey, MessageQueue>, peer: PrincipalKey): MessageQueue {
  let queue = queues.get(peer);
  if (queue === undefined) {
    queue = emptyQueue();
    queues.set(peer, queue);
  }
  return queue;
}
