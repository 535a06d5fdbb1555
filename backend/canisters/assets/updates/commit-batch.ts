import { BatchOperationKindTag, CommitBatchArguments } from "../../../generated/assets/types";
import { mustCommit } from "../guards";
import { publish } from "../model/certification";
import { clearAssets, createAsset, deleteAsset, setAssetContent, setAssetProperties, unsetAssetContent } from "../model/changes";
import { batchNumber } from "../model/upload";
import { dropBatch } from "../model/uploads";

/** All operations in order, or, when one traps, none. Batch 0 stands for "no upload", as uploaders use it. */
export function commit_batch(arg: CommitBatchArguments): void {
  mustCommit();
  const batch = arg.batch_id.isZero ? 0 : batchNumber(arg.batch_id);
  for (let i = 0; i < arg.operations.length; i++) {
    const operation = arg.operations[i];
    switch (operation.tag) {
      case BatchOperationKindTag.CreateAsset:
        createAsset(operation.as_CreateAsset);
        break;
      case BatchOperationKindTag.SetAssetContent:
        setAssetContent(operation.as_SetAssetContent);
        break;
      case BatchOperationKindTag.SetAssetProperties:
        setAssetProperties(operation.as_SetAssetProperties);
        break;
      case BatchOperationKindTag.UnsetAssetContent:
        unsetAssetContent(operation.as_UnsetAssetContent.key, operation.as_UnsetAssetContent.content_encoding);
        break;
      case BatchOperationKindTag.DeleteAsset:
        deleteAsset(operation.as_DeleteAsset.key);
        break;
      default:
        clearAssets();
    }
  }
  if (batch != 0) dropBatch(batch);
  publish();
}
