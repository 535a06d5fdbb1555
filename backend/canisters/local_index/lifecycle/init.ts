// First installation.

import { InitArgs } from "../../../generated/local_index/types";
import { keepMaintaining } from "../jobs/maintenance";
import { saveSettings, settings } from "../model/settings";

export function init(arg: InitArgs): void {
  const state = settings();
  state.userIndex = arg.user_index.bytes;
  state.poolTarget = arg.pool_target;
  saveSettings();
  keepMaintaining();
}
