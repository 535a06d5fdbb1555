import { Nat } from "../../../cdk/candid/nat";
import { StreamingCallbackHttpResponse, StreamingCallbackToken } from "../../../generated/assets/types";
import { assetAt } from "../model/paths";
import { chunkOf } from "../model/streaming";

/** The next chunk of a response under way; nothing when the asset has changed meanwhile. */
export function http_request_streaming_callback(token: StreamingCallbackToken): StreamingCallbackHttpResponse | null {
  const bytes = chunkOf(token.key, token.content_encoding, token.index, token.sha256);
  if (bytes == null) return null;
  const encoding = assetAt(token.key)!.encoding(token.content_encoding)!;
  const next = token.index.toU64() + 1;
  const more: StreamingCallbackToken | null =
    next < <u64>encoding.chunks.length ? new StreamingCallbackToken(token.key, token.content_encoding, Nat.from(next), encoding.sha256) : null;
  return new StreamingCallbackHttpResponse(bytes, more);
}
