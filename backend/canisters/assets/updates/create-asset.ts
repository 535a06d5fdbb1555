import { CreateAssetArguments } from "../../../generated/assets/types";
import { mustCommit } from "../guards";
import { publish } from "../model/certification";
import { createAsset } from "../model/changes";

export function create_asset(arg: CreateAssetArguments): void {
  mustCommit();
  createAsset(arg);
  publish();
}
