import { trap } from "../../../cdk/api";
import { Nat } from "../../../cdk/candid/nat";
import { GetArgs, GetResult } from "../../../generated/assets/types";
import { Encoding } from "../model/asset";
import { chunk } from "../model/contents";
import { assetAt } from "../model/paths";

/** The first chunk in the first encoding that the caller accepts and the asset has. */
export function get(arg: GetArgs): GetResult {
  const asset = assetAt(arg.key);
  if (asset == null) trap("asset not found: " + arg.key);
  let encoding: Encoding | null = null;
  for (let i = 0; i < arg.accept_encodings.length && encoding == null; i++) encoding = asset!.encoding(arg.accept_encodings[i]);
  if (encoding == null) trap("no such encoding: " + arg.key);
  const found = encoding!;
  const content = found.chunks.length > 0 ? chunk(found.chunks[0]) : new Uint8Array(0);
  return new GetResult(content, asset!.contentType, found.name, found.sha256, Nat.from(found.length));
}
