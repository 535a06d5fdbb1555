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
});
const StrategyOnly = IDL.Record({
  streaming_strategy: IDL.Opt(IDL.Variant({ Callback })),
});
const CallbackResponse = IDL.Record({ body: IDL.Vec(IDL.Nat8) });
const CallbackToken = IDL.Record({ token: IDL.Opt(IDL.Unknown as unknown as IDL.Type) });

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

export function decodeResponse(bytes: Uint8Array): DecodedResponse {
  const [fields] = decode([Response], bytes) as [
    { status_code: number; headers: [string, string][]; body: Uint8Array | number[]; upgrade: [] | [boolean] },
  ];
  return {
    statusCode: fields.status_code,
    headers: fields.headers,
    body: Uint8Array.from(fields.body),
    upgrade: fields.upgrade[0] ?? false,
    streaming: decodeStrategy(bytes),
  };
}

function decodeStrategy(bytes: Uint8Array): StreamingCallback | undefined {
  const [{ streaming_strategy }] = decode([StrategyOnly], bytes) as [
    { streaming_strategy: [] | [{ Callback: { callback: [Principal, string]; token: TypedToken } }] },
  ];
  const callback = streaming_strategy[0]?.Callback;
  if (callback === undefined) return undefined;
  const [canister, method] = callback.callback;
  return { canisterId: canister.toUint8Array(), method, arg: encodeToken(callback.token) };
}

function encodeToken(token: TypedToken): Uint8Array {
  try {
    return new Uint8Array(IDL.encode([token.type()], [token]));
  } catch (error) {
    throw new GatewayCandidError(`the streaming token cannot be sent back: ${String(error)}`);
  }
}

/** One more piece of a streamed body and the argument for the next, if there is one. Null ends the stream. */
export function decodeCallbackResponse(bytes: Uint8Array): { body: Uint8Array; nextArg?: Uint8Array } | undefined {
  const [fields] = decode([IDL.Opt(CallbackResponse)], bytes) as [[] | [{ body: Uint8Array | number[] }]];
  if (fields[0] === undefined) return undefined;
  const [tokens] = decode([IDL.Opt(CallbackToken)], bytes) as [[] | [{ token: [] | [TypedToken] }]];
  const token = tokens[0]?.token[0];
  return { body: Uint8Array.from(fields[0].body), nextArg: token && encodeToken(token) };
}

function decode(types: IDL.Type[], bytes: Uint8Array): unknown[] {
  try {
    return IDL.decode(types, bytes);
  } catch (error) {
    throw new GatewayCandidError(error instanceof Error ? error.message : String(error));
  }
}
