import { trap } from "../../../cdk/api";
import { DeviceData } from "../../../generated/internet_identity/types";
import { mustAuthenticate } from "../guards";
import { add as addTo } from "../model/change-devices";
import { fromDeviceData } from "../model/convert";

export function add(number: u64, data: DeviceData): void {
  const fault = addTo(mustAuthenticate(number), fromDeviceData(data));
  if (fault != null) trap(fault);
}
