// First installation.

import { InitArgs } from "../../../generated/user_index/types";
import { saveSettings, Settings } from "../model/settings";

export function init(arg: InitArgs): void {
  const settings = new Settings();
  const governance = arg.governance;
  if (governance !== null) settings.governance = governance.bytes;
  saveSettings(settings);
}
