import { SetAssetPropertiesArguments } from "../../../generated/assets/types";
import { mustCommit } from "../guards";
import { publish } from "../model/certification";
import { setAssetProperties } from "../model/changes";

export function set_asset_properties(arg: SetAssetPropertiesArguments): void {
  mustCommit();
  setAssetProperties(arg);
  publish();
}
