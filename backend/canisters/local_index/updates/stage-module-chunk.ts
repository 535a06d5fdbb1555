// Takes a part of a module that children will run.

import { caller, isController } from "../../../cdk/api";
import { AdminResult, StageChunkArgs } from "../../../generated/local_index/types";
import { kindCode } from "../model/children";
import { MAX_CHUNK_BYTES, MAX_CHUNKS, stageChunk } from "../model/modules";

export function stage_module_chunk(arg: StageChunkArgs): AdminResult {
  if (!isController(caller())) return AdminResult.Err("only controllers stage modules");
  if (arg.chunk.length == 0 || arg.chunk.length > MAX_CHUNK_BYTES) return AdminResult.Err("a chunk holds 1 byte to 1 MiB");
  if (arg.index >= MAX_CHUNKS) return AdminResult.Err("a module has at most " + MAX_CHUNKS.toString() + " chunks");
  stageChunk(kindCode(arg.kind), arg.index, arg.chunk);
  return AdminResult.Ok();
}
