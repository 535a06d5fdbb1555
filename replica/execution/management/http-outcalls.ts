/**
 * HTTP outcalls: checking a request, charging for it, and leaving it in the state for consensus to answer.
 *
 * The argument as received is what waits; `decodeOutcall` reads it again where it is carried out.
 * Whether a subnet can carry outcalls out is part of its configuration. Without that, a correct
 * call is rejected with a text that says so; cycles go back.
 *
 * Source: Interface Spec 0.66, `http_request`; pricing version 1.
 */
import { utf8 } from '../../codec/bytes.ts';
import type { UserError } from '../../types/errors.ts';
import { bookConsumed, httpOutcallFee } from '../cycles-account.ts';
import { decodeArgument } from './candid-codec.ts';
import * as candid from './candid-types.ts';
import { rejected } from './faults.ts';
import type { Operation, Result, SubnetMethod } from './operation.ts';
import { reject } from './operation.ts';
import { fromWire } from './wire.ts';

const MAX_RESPONSE_BYTES = 2_000_000n;
const MAX_URL_BYTES = 8_192;
const MAX_HEADERS = 64;
const MAX_HEADER_PART_BYTES = 8_192;
const MAX_HEADER_BYTES = 48 * 1024;
const MAX_REQUEST_BYTES = 2_000_000;

export function outcallFault(
  operation: Operation,
  args: candid.HttpRequestArgsCandid,
): UserError | undefined {
  const [maxResponse] = args.max_response_bytes;
  if (maxResponse !== undefined && maxResponse > MAX_RESPONSE_BYTES) {
    return rejected(
      `max_response_bytes expected to be in the range [0..${MAX_RESPONSE_BYTES}], got ${maxResponse}`,
    );
  }
  const urlBytes = utf8(args.url).length;
  if (urlBytes > MAX_URL_BYTES) return rejected(`url size ${urlBytes} exceeds ${MAX_URL_BYTES}`);
  if (!args.url.startsWith('https://') && !args.url.startsWith('http://')) {
    return rejected('url must use the https scheme');
  }
  const [transform] = args.transform;
  if (transform !== undefined && !fromWire(transform.function[0]).equals(operation.call.sender)) {
    return rejected(
      `transform principal id expected to be ${operation.call.sender.toText()}, got ${transform.function[0].toText()}`,
    );
  }
  if (args.headers.length > MAX_HEADERS) {
    return rejected(`number of HTTP headers ${args.headers.length} exceeds ${MAX_HEADERS}`);
  }
  let headerBytes = 0;
  for (const { name, value } of args.headers) {
    for (const part of [utf8(name).length, utf8(value).length]) {
      if (part > MAX_HEADER_PART_BYTES) {
        return rejected(`HTTP header name or value size ${part} exceeds ${MAX_HEADER_PART_BYTES}`);
      }
      headerBytes += part;
    }
  }
  if (headerBytes > MAX_HEADER_BYTES) {
    return rejected(`total number of bytes of HTTP headers ${headerBytes} exceeds ${MAX_HEADER_BYTES}`);
  }
  const requestBytes = headerBytes + (args.body[0]?.length ?? 0);
  if (requestBytes > MAX_REQUEST_BYTES) {
    return rejected(`total number of bytes of headers and body ${requestBytes} exceeds ${MAX_REQUEST_BYTES}`);
  }
  const onlyOnce = 'put' in args.method || 'delete' in args.method || 'patch' in args.method;
  if (onlyOnce && args.is_replicated[0] !== false) {
    const [method] = Object.keys(args.method);
    return rejected(`HTTP method ${method!.toUpperCase()} is only allowed for non-replicated requests`);
  }
  return undefined;
}

/** What is paid by size: url, headers, body, and what the transform function gets along. */
function requestBytes(args: candid.HttpRequestArgsCandid): number {
  let bytes = utf8(args.url).length + (args.body[0]?.length ?? 0);
  for (const { name, value } of args.headers) bytes += utf8(name).length + utf8(value).length;
  const [transform] = args.transform;
  if (transform !== undefined) bytes += utf8(transform.function[1]).length + transform.context.length;
  return bytes;
}

/** How the state names a waiting outcall. */
export const OUTCALL_PURPOSE = 'http_request';

export function responseLimit(args: candid.HttpRequestArgsCandid): number {
  return Number(args.max_response_bytes[0] ?? MAX_RESPONSE_BYTES);
}

/** The request of a waiting outcall: it was decoded before it was stored. */
export function decodeOutcall(request: Uint8Array): candid.HttpRequestArgsCandid {
  const decoded = decodeArgument<candid.HttpRequestArgsCandid>(candid.HttpRequestArgs, request);
  if ('fault' in decoded) throw new Error(`a stored outcall does not decode: ${decoded.fault}`);
  return decoded.value;
}

export const httpRequest: SubnetMethod<candid.HttpRequestArgsCandid> = {
  argument: candid.HttpRequestArgs,
  run(operation, args): Result {
    const { state, call, context } = operation;
    const fault = outcallFault(operation, args);
    if (fault !== undefined) return reject(fault);
    if (context.config.httpOutcalls !== true) {
      return reject(rejected('HTTP outcalls are not available on this network yet.'));
    }
    const fee = httpOutcallFee(
      context.config,
      BigInt(requestBytes(args)),
      BigInt(responseLimit(args)),
    );
    if (call.payment < fee) {
      return reject(
        rejected(
          `http_request request sent with ${call.payment} cycles, but ${fee} cycles are required.`,
        ),
      );
    }
    const payer = state.canister(call.sender);
    if (payer !== undefined) bookConsumed(state, payer, fee, 'httpOutcalls');
    state.addSubnetCall({
      kind: 'consensus',
      purpose: OUTCALL_PURPOSE,
      request: call.arg,
      origin: call.origin,
      refund: call.payment - fee,
      madeAtNanos: context.timeNanos,
    });
    return { kind: 'pending' };
  },
};
