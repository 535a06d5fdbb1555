import { SetAssetContentArguments } from "../../../generated/assets/types";
import { mustCommit } from "../guards";
import { publish } from "../model/certification";
import { setAssetContent } from "../model/changes";

export function set_asset_content(arg: SetAssetContentArguments): void {
  mustCommit();
  setAssetContent(arg);
  publish();
}
