import { Nat } from "../../../cdk/candid/nat";
import { CreateChunkArgs, CreateChunkResult } from "../../../generated/assets/types";
import { mustPrepare } from "../guards";
import { upload } from "../model/upload";

export function create_chunk(arg: CreateChunkArgs): CreateChunkResult {
  mustPrepare();
  return new CreateChunkResult(Nat.from(upload(arg.batch_id, arg.content)));
}
