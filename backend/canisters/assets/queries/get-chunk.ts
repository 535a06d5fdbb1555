import { trap } from "../../../cdk/api";
import { GetChunkArgs, GetChunkResult } from "../../../generated/assets/types";
import { chunkOf } from "../model/streaming";

export function get_chunk(arg: GetChunkArgs): GetChunkResult {
  const bytes = chunkOf(arg.key, arg.content_encoding, arg.index, arg.sha256);
  if (bytes == null) trap("chunk not found, or the asset has changed: " + arg.key);
  return new GetChunkResult(bytes!);
}
