// State is in stable memory; only the settings may change.

import { InitArgs } from "../../../generated/user_index/types";
import { applySettings } from "../model/settings";

export function post_upgrade(arg: InitArgs): void {
  applySettings(arg);
}
