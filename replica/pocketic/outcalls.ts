/**
 * HTTP outcalls of an instance: listing those that wait, and answering them as a test says.
 *
 * A given response goes the way a real one would: size limit, transform function, agreement of the
 * replicas, and into the next block as an answer of consensus.
 *
 * Source: PocketIC REST protocol (`get_canister_http`, `mock_canister_http`); Interface Spec,
 * `http_request`.
 */
import { toHex, utf8 } from '../codec/bytes.ts';
import { decodeArgument, encodeReply } from '../execution/management/candid-codec.ts';
import * as candid from '../execution/management/candid-types.ts';
import { decodeOutcall, OUTCALL_PURPOSE, responseLimit } from '../execution/management/http-outcalls.ts';
import { executionOf } from '../execution/management-port.ts';
import { systemView } from '../execution/system-view.ts';
import { executeEntryPoint } from '../execution/wasm/engine.ts';
import type { SubnetCall } from '../state/replicated-state.ts';
import type { ConsensusResponse } from '../types/batch.ts';
import { ErrorCode, RejectCode } from '../types/errors.ts';
import type { ResponsePayload } from '../types/messages.ts';
import type { Principal } from '../types/principal.ts';
import { BadRequest, base64, bytes, list, natural, object, text } from './fields.ts';
import type { JsonObject } from './fields.ts';
import type { RunningSubnet } from './instance-network.ts';
import type { JsonValue } from './json.ts';

/** A request that nobody answers ends after this. */
const TIMEOUT_NANOS = 60_000_000_000n;

type Outcall = Extract<SubnetCall, { kind: 'consensus' }>;

function waiting(subnet: RunningSubnet): Outcall[] {
  const answered = new Set(subnet.responses.map(({ callId }) => callId));
  return [...subnet.state.subnetCalls.values()].filter(
    (call): call is Outcall =>
      call.kind === 'consensus' && call.purpose === OUTCALL_PURPOSE && !answered.has(call.id),
  );
}

export function pendingOutcalls(subnet: RunningSubnet): JsonValue[] {
  return waiting(subnet).map((call) => {
    const args = decodeOutcall(call.request);
    const [method] = Object.keys(args.method);
    const [limit] = args.max_response_bytes;
    return {
      subnet_id: { subnet_id: base64(subnet.record.id.bytes) },
      request_id: call.id,
      http_method: method!.toUpperCase(),
      url: args.url,
      headers: args.headers.map(({ name, value }) => ({ name, value })),
      body: base64(args.body[0] ?? new Uint8Array(0)),
      max_response_bytes: limit ?? null,
    };
  });
}

/** Finer codes for rejects that have none of their own; canisters see the reject code only. */
const CODES = {
  [RejectCode.SysFatal]: ErrorCode.SubnetOversubscribed,
  [RejectCode.SysTransient]: ErrorCode.CertifiedStateUnavailable,
  [RejectCode.DestinationInvalid]: ErrorCode.CanisterNotFound,
  [RejectCode.CanisterReject]: ErrorCode.CanisterRejectedMessage,
  [RejectCode.CanisterError]: ErrorCode.CanisterCalledTrap,
} as const;

function rejection(code: keyof typeof CODES, message: string): ResponsePayload {
  return { kind: 'reject', code, message, errorCode: CODES[code] };
}

/** Time-outs that a block of this time must tell. */
export function dueOutcalls(subnet: RunningSubnet, timeNanos: bigint): ConsensusResponse[] {
  return waiting(subnet)
    .filter(({ madeAtNanos }) => madeAtNanos + TIMEOUT_NANOS <= timeNanos)
    .map(({ id }) => ({
      callId: id,
      payload: rejection(RejectCode.SysTransient, 'Canister http request timed out'),
    }));
}

function responseOf(value: JsonValue | undefined): candid.HttpResponseCandid | ResponsePayload {
  const fields = object(value, 'response');
  if (fields.CanisterHttpReject !== undefined) {
    const reject = object(fields.CanisterHttpReject, 'CanisterHttpReject');
    const code = Number(natural(reject.reject_code, 'reject_code'));
    if (!(code in CODES)) throw new BadRequest(`InvalidRejectCode(${code})`);
    return rejection(code as keyof typeof CODES, text(reject.message, 'message'));
  }
  const given = object(fields.CanisterHttpReply, 'CanisterHttpReply');
  return {
    status: natural(given.status, 'status', 16),
    headers: list(given.headers, 'headers').map((item) => {
      const header = object(item, 'header');
      return { name: text(header.name, 'name'), value: text(header.value, 'value') };
    }),
    body: bytes(given.body, 'body'),
  };
}

function transformed(
  subnet: RunningSubnet,
  sender: Principal,
  args: candid.HttpRequestArgsCandid,
  response: candid.HttpResponseCandid,
): ResponsePayload {
  const limit = responseLimit(args);
  let size = response.body.length;
  for (const { name, value } of response.headers) size += utf8(name).length + utf8(value).length;
  if (size > limit) {
    return rejection(RejectCode.SysFatal, `Http body exceeds size limit of ${limit} bytes.`);
  }
  const [transform] = args.transform;
  if (transform === undefined) {
    return { kind: 'reply', data: encodeReply(candid.HttpResponse, response) };
  }
  const canister = subnet.state.canister(sender);
  if (canister?.code === undefined) {
    return rejection(RejectCode.CanisterError, `Canister ${sender.toText()} has no code to transform with`);
  }
  const execution = executionOf(canister);
  const outcome = executeEntryPoint(execution, {
    entry: { kind: 'transform', method: transform.function[1] },
    message: {
      // The management canister.
      caller: new Uint8Array(0),
      payload: encodeReply(candid.TransformArgs, { response, context: transform.context }),
    },
    system: systemView(subnet.environment, subnet.state.timeNanos, canister),
    instructionLimit: BigInt(subnet.config.instructions.query),
  });
  execution.rollback();
  if (outcome.error !== null) {
    return rejection(
      RejectCode.CanisterError,
      `Error from Canister ${sender.toText()}: ${outcome.error.message}`,
    );
  }
  const answer = outcome.delta?.response;
  if (answer?.kind !== 'reply') {
    const message = answer?.message ?? `Canister ${sender.toText()} did not reply to the transform`;
    return rejection(RejectCode.CanisterError, message);
  }
  if (answer.data.length > limit) {
    return rejection(RejectCode.SysFatal, `Transformed http response exceeds limit: ${limit}`);
  }
  const decoded = decodeArgument(candid.HttpResponse, answer.data);
  if ('fault' in decoded) {
    return rejection(RejectCode.SysFatal, `Failed to parse adapter response to http response type: ${decoded.fault}`);
  }
  return { kind: 'reply', data: answer.data };
}

/** What 2f+1 of n = 3f+1 replicas agree on. */
function agreed(call: Outcall, payloads: readonly ResponsePayload[]): ResponsePayload {
  const name = (payload: ResponsePayload): string =>
    payload.kind === 'reply' ? toHex(payload.data) : `${payload.code}:${payload.message}`;
  const votes = new Map<string, { count: number; readonly payload: ResponsePayload }>();
  for (const payload of payloads) {
    const vote = votes.get(name(payload)) ?? { count: 0, payload };
    vote.count += 1;
    votes.set(name(payload), vote);
  }
  const needed = 2 * Math.floor((payloads.length - 1) / 3) + 1;
  for (const { count, payload } of votes.values()) if (count >= needed) return payload;
  const counts = [...votes.values()].map(({ count }) => count).sort((a, b) => b - a);
  return rejection(
    RejectCode.SysTransient,
    `No consensus could be reached. Replicas had different responses. Details: request_id: ${call.id}, replicas with equal responses: ${counts.join(', ')}`,
  );
}

function senderOf(call: Outcall): Principal {
  return call.origin.sender;
}

export function mockOutcall(subnet: RunningSubnet, body: JsonObject): void {
  const id = natural(body.request_id, 'request_id');
  const call = waiting(subnet).find((candidate) => BigInt(candidate.id) === id);
  if (call === undefined) throw new BadRequest('InvalidCanisterHttpRequestId');
  const given = [body.response, ...list(body.additional_responses ?? [], 'additional_responses')];
  if (given.length > 1 && given.length !== subnet.spec.size) {
    throw new BadRequest(`InvalidMockCanisterHttpResponses((${given.length}, ${subnet.spec.size}))`);
  }
  const args = decodeOutcall(call.request);
  const payloads = given.map((item) => {
    const response = responseOf(item);
    return 'kind' in response ? response : transformed(subnet, senderOf(call), args, response);
  });
  subnet.responses.push({ callId: call.id, payload: agreed(call, payloads) });
}

// ---------------------------------------------------------------- real requests

/** Of the adapter; the rest of the minute is for consensus. */
const FETCH_TIMEOUT_MILLIS = 30_000;

/** Carries out, for real, what waits and is not in `inFlight` yet. The answers go into later blocks. */
export function performOutcalls(subnet: RunningSubnet, inFlight: Set<number>): void {
  for (const call of waiting(subnet)) {
    if (inFlight.has(call.id)) continue;
    inFlight.add(call.id);
    void perform(subnet, call).then((payload) => {
      // It may have timed out meanwhile.
      if (waiting(subnet).some(({ id }) => id === call.id)) {
        subnet.responses.push({ callId: call.id, payload });
      }
      inFlight.delete(call.id);
    });
  }
}

async function perform(subnet: RunningSubnet, call: Outcall): Promise<ResponsePayload> {
  const args = decodeOutcall(call.request);
  const [method = 'get'] = Object.keys(args.method);
  const [content] = args.body;
  try {
    const response = await fetch(args.url, {
      method: method.toUpperCase(),
      headers: args.headers.map(({ name, value }): [string, string] => [name, value]),
      body: content !== undefined && method !== 'get' && method !== 'head' ? content.slice() : undefined,
      redirect: 'manual',
      signal: AbortSignal.timeout(FETCH_TIMEOUT_MILLIS),
    });
    const received = new Uint8Array(await response.arrayBuffer());
    return transformed(subnet, senderOf(call), args, {
      status: BigInt(response.status),
      headers: [...response.headers].map(([name, value]) => ({ name, value })),
      body: received,
    });
  } catch (error) {
    return rejection(RejectCode.SysTransient, `Connecting to ${args.url} failed: ${(error as Error).message}`);
  }
}
