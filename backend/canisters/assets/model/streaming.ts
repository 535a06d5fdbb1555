// Assets of more than one chunk, piece by piece.

import { Nat } from "../../../cdk/candid/nat";
import { StreamingCallbackToken } from "../../../generated/assets/types";
import { Asset, Encoding } from "./asset";
import { chunk } from "./contents";
import { assetAt } from "./paths";

function sameBytes(a: Uint8Array, b: Uint8Array): bool {
  return a.length == b.length && memory.compare(a.dataStart, b.dataStart, a.length) == 0;
}

/** Null when there is no such chunk, or the content is no longer the one with this SHA-256. */
export function chunkOf(key: string, encodingName: string, index: Nat, sha256: Uint8Array | null): Uint8Array | null {
  const asset = assetAt(key);
  if (asset == null) return null;
  const encoding = asset.encoding(encodingName);
  if (encoding == null || (sha256 != null && !sameBytes(sha256, encoding.sha256))) return null;
  if (!index.fitsU64 || index.toU64() >= <u64>encoding.chunks.length) return null;
  return chunk(encoding.chunks[<i32>index.toU64()]);
}

/** The token for chunk `index`, or null when that is past the end. */
export function tokenFor(asset: Asset, encoding: Encoding, index: i32): StreamingCallbackToken | null {
  if (index >= encoding.chunks.length) return null;
  return new StreamingCallbackToken(asset.key, encoding.name, Nat.from(index), encoding.sha256);
}
