/** Candid of the HTTP methods of canisters. Source: HTTP Gateway Protocol Specification, "Canister HTTP Interface". */
import { IDL } from '@dfinity/candid';
import type { Principal } from '@dfinity/principal';
import type { CanisterHttpRequest, CanisterHttpResponse } from './types.ts';

/** The reply of a canister is not what the protocol says. */
export class GatewayCandidError extends Error {}

export interface StreamingCallback {
  readonly canisterId: Uint8Array;
  readonly method: string;
  /** Encoded Candid argument: the token as the canister gave it, in its own type. */
  readonly arg: Uint8Array;
}

export interface DecodedResponse extends CanisterHttpResponse {
  readonly upgrade: boolean;
  readonly streaming?: StreamingCallback;
}

const Header = IDL.Tuple(IDL.Text, IDL.Text);
const Request = IDL.Record({
  method: IDL.Text,
  url: IDL.Text,
  headers: IDL.Vec(Header),
  body: IDL.Vec(IDL.Nat8),
  certificate_version: IDL.Opt(IDL.Nat16),
});
const UpdateRequest = IDL.Record({
  method: IDL.Text,
  url: IDL.Text,
  headers: IDL.Vec(Header),
  body: IDL.Vec(IDL.Nat8),
});
// The token's type is the canister's affair; `Unknown` keeps value and type, so that it can be sent back.
const Callback = IDL.Record({
  // Every callback is a subtype of this one, whatever its token and result.
  callback: IDL.Func([IDL.Empty], [IDL.Reserved], ['query']),
  token: IDL.Unknown as unknown as IDL.Type,
});
const Response = IDL.Record({
  status_code: IDL.Nat16,
  headers: IDL.Vec(Header),
  body: IDL.Vec(IDL.Nat8),
  upgrade: IDL.Opt(IDL.Bool),
  streaming_strategy: IDL.Opt(IDL.Variant({ Callback })),
});
const CallbackResponse = IDL.Record({ body: IDL.Vec(IDL.Nat8), token: IDL.Opt(IDL.Unknown as unknown as IDL.Type) });

/** Asks for certification version 2; canisters that know only version 1 answer with that. */
export function encodeRequest(request: CanisterHttpRequest): Uint8Array {
  return new Uint8Array(IDL.encode([Request], [{ ...mutable(request), certificate_version: [2] }]));
}

export function encodeUpdateRequest(request: CanisterHttpRequest): Uint8Array {
  return new Uint8Array(IDL.encode([UpdateRequest], [mutable(request)]));
}

function mutable({ method, url, headers, body }: CanisterHttpRequest): { method: string; url: string; headers: [string, string][]; body: Uint8Array } {
  return { method, url, headers: headers.map(([name, value]) => [name, value]), body };
}

interface TypedToken {
  readonly type: () => IDL.Type;
}

interface ResponseFields {
  readonly status_code: number;
  readonly headers: [string, string][];
  readonly body: Uint8Array | number[];
  readonly upgrade: [] | [boolean];
  readonly streaming_strategy: [] | [{ Callback: { callback: [Principal, string]; token: TypedToken } }];
}

export function decodeResponse(bytes: Uint8Array): DecodedResponse {
  const [fields] = decode([Response], bytes) as [ResponseFields];
  const callback = fields.streaming_strategy[0]?.Callback;
  return {
    statusCode: fields.status_code,
    headers: fields.headers,
    body: asBytes(fields.body),
    upgrade: fields.upgrade[0] ?? false,
    streaming: callback && {
      canisterId: callback.callback[0].toUint8Array(),
      method: callback.callback[1],
      arg: encodeToken(callback.token),
    },
  };
}

function asBytes(value: Uint8Array | number[]): Uint8Array {
  return value instanceof Uint8Array ? value : Uint8Array.from(value);
}

/** The library boxes primitive values to hang their type on them. */
function unboxed(token: unknown): unknown {
  const isBox = token instanceof Number || token instanceof String || token instanceof BigInt || token instanceof Boolean;
  return isBox ? token.valueOf() : token;
}

function encodeToken(token: TypedToken): Uint8Array {
  try {
    return new Uint8Array(IDL.encode([token.type()], [unboxed(token)]));
  } catch (error) {
    throw new GatewayCandidError(`the streaming token cannot be sent back: ${String(error)}`);
  }
}

/** One more piece of a streamed body and the argument for the next, if there is one. Null ends the stream. */
export function decodeCallbackResponse(bytes: Uint8Array): { body: Uint8Array; nextArg?: Uint8Array } | undefined {
  const [optional] = decode([IDL.Opt(CallbackResponse)], bytes) as [[] | [{ body: Uint8Array | number[]; token: [] | [TypedToken] }]];
  const fields = optional[0];
  if (fields === undefined) return undefined;
  const token = fields.token[0];
  return { body: asBytes(fields.body), nextArg: token && encodeToken(token) };
}

function decode(types: IDL.Type[], bytes: Uint8Array): unknown[] {
  try {
    // The library reads from the start of the underlying buffer, whatever the view.
    return IDL.decode(types, bytes.byteOffset === 0 ? bytes : bytes.slice());
  } catch (error) {
    throw new GatewayCandidError(error instanceof Error ? error.message : String(error));
  }
}
