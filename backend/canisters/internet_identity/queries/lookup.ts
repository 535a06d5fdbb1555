import { DeviceData } from "../../../generated/internet_identity/types";
import { anchor } from "../model/anchors";
import { toDeviceData } from "../model/convert";

/** Public: without aliases and metadata; a number that does not exist looks like one without devices. */
export function lookup(number: u64): Array<DeviceData> {
  const out: Array<DeviceData> = [];
  const known = anchor(number);
  if (known != null) for (let i = 0; i < known.devices.length; i++) out.push(toDeviceData(known.devices[i], false));
  return out;
}
