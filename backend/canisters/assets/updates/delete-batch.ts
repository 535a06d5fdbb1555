import { DeleteBatchArguments } from "../../../generated/assets/types";
import { mustPrepare } from "../guards";
import { batchNumber } from "../model/upload";
import { dropBatch } from "../model/uploads";

export function delete_batch(arg: DeleteBatchArguments): void {
  mustPrepare();
  dropBatch(batchNumber(arg.batch_id));
}
