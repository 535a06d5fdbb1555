import { time, trap } from "../../../cdk/api";
import { Nat } from "../../../cdk/candid/nat";
import { CreateBatchArgs, CreateBatchResult } from "../../../generated/assets/types";
import { mustPrepare } from "../guards";
import { createBatch } from "../model/uploads";

export function create_batch(_arg: CreateBatchArgs): CreateBatchResult {
  mustPrepare();
  const number = createBatch(time());
  if (number == 0) trap("too many batches: commit or delete one, or wait five minutes");
  return new CreateBatchResult(Nat.from(number));
}
