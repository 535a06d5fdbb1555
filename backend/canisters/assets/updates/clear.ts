import { ClearArguments } from "../../../generated/assets/types";
import { mustCommit } from "../guards";
import { publish } from "../model/certification";
import { clearAssets } from "../model/changes";

export function clear(_arg: ClearArguments): void {
  mustCommit();
  clearAssets();
  publish();
}
