import { DeleteAssetArguments } from "../../../generated/assets/types";
import { mustCommit } from "../guards";
import { publish } from "../model/certification";
import { deleteAsset } from "../model/changes";

export function delete_asset(arg: DeleteAssetArguments): void {
  mustCommit();
  deleteAsset(arg.key);
  publish();
}
