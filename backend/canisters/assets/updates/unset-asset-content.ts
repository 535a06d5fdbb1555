import { UnsetAssetContentArguments } from "../../../generated/assets/types";
import { mustCommit } from "../guards";
import { publish } from "../model/certification";
import { unsetAssetContent } from "../model/changes";

export function unset_asset_content(arg: UnsetAssetContentArguments): void {
  mustCommit();
  unsetAssetContent(arg.key, arg.content_encoding);
  publish();
}
