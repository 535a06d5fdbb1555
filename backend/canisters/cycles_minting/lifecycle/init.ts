// First installation.

import { time } from "../../../cdk/api";
import { InitArgs } from "../../../generated/cycles_minting/types";
import { certifyRate } from "../model/certified-rate";
import { saveSettings, Settings } from "../model/settings";

export function init(arg: InitArgs): void {
  const settings = new Settings();
  settings.subnets = arg.default_subnets;
  settings.rate = arg.xdr_permyriad_per_icp;
  settings.rateSeconds = time() / 1_000_000_000;
  saveSettings(settings);
  certifyRate();
}
