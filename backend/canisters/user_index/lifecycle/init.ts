// First installation.

import { InitArgs } from "../../../generated/user_index/types";
import { applySettings } from "../model/settings";

export function init(arg: InitArgs): void {
  applySettings(arg);
}
