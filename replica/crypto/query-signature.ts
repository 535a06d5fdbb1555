/**
 * The node's signature on a query response.
 * Source: Interface Spec, "Query calls": the fields are hashed representation-independently under `ic-response`.
 */
import { domainSeparated, hashOfMap } from '../codec/request-id.ts';
import type { NodeSigningKey } from './keys.ts';

export type QueryResponseFields =
  | { readonly status: 'replied'; readonly arg: Uint8Array }
  | {
      readonly status: 'rejected';
      readonly rejectCode: number;
      readonly rejectMessage: string;
      readonly errorCode: string;
    };

/** What the node signs. `requestId` is the 32-byte id of the query's content. */
export function queryResponsePayload(
  response: QueryResponseFields,
  requestId: Uint8Array,
  timestampNanos: bigint,
): Uint8Array {
  const fields =
    response.status === 'replied'
      ? { status: 'replied', reply: { arg: response.arg } }
      : {
          status: 'rejected',
          reject_code: response.rejectCode,
          reject_message: response.rejectMessage,
          error_code: response.errorCode,
        };
  return domainSeparated('ic-response', hashOfMap({ ...fields, timestamp: timestampNanos, request_id: requestId }));
}

/** 64 bytes. */
export function signQueryResponse(
  key: NodeSigningKey,
  response: QueryResponseFields,
  requestId: Uint8Array,
  timestampNanos: bigint,
): Uint8Array {
  return key.sign(queryResponsePayload(response, requestId, timestampNanos));
}
