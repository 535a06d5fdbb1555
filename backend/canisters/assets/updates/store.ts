import { StoreArgs } from "../../../generated/assets/types";
import { mustCommit } from "../guards";
import { publish } from "../model/certification";
import { storeWhole } from "../model/changes";

export function store(arg: StoreArgs): void {
  mustCommit();
  storeWhole(arg.key, arg.content_type, arg.content_encoding, arg.content, arg.sha256);
  publish();
}
