import { trap } from "../../../cdk/api";
import { DeviceData } from "../../../generated/internet_identity/types";
import { mustAuthenticate } from "../guards";
import { replace as replaceIn } from "../model/change-devices";
import { fromDeviceData } from "../model/convert";

export function replace(number: u64, key: Uint8Array, data: DeviceData): void {
  const fault = replaceIn(mustAuthenticate(number), key, fromDeviceData(data));
  if (fault != null) trap(fault);
}
