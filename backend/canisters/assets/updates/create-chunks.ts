import { Nat } from "../../../cdk/candid/nat";
import { CreateChunksArgs, CreateChunksResult } from "../../../generated/assets/types";
import { mustPrepare } from "../guards";
import { upload } from "../model/upload";

export function create_chunks(arg: CreateChunksArgs): CreateChunksResult {
  mustPrepare();
  const ids: Array<Nat> = [];
  for (let i = 0; i < arg.content.length; i++) ids.push(Nat.from(upload(arg.batch_id, arg.content[i])));
  return new CreateChunksResult(ids);
}
