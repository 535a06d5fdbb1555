import { time } from "../../../cdk/api";
import { Opt } from "../../../cdk/candid/opt";
import { DeviceData, DeviceRegistrationInfo, DeviceWithUsage, IdentityAnchorInfo } from "../../../generated/internet_identity/types";
import { mustAuthenticate } from "../guards";
import { toDeviceData, toDeviceWithUsage } from "../model/convert";
import { registrationMode } from "../model/registration-mode";

export function get_anchor_info(number: u64): IdentityAnchorInfo {
  const anchor = mustAuthenticate(number);
  const devices: Array<DeviceWithUsage> = [];
  for (let i = 0; i < anchor.devices.length; i++) devices.push(toDeviceWithUsage(anchor.devices[i]));
  const mode = registrationMode(number, time());
  let registration: DeviceRegistrationInfo | null = null;
  if (mode != null) {
    const tentative = mode.device;
    const data: DeviceData | null = tentative == null ? null : toDeviceData(tentative, true);
    registration = new DeviceRegistrationInfo(data, null, mode.expiry);
  }
  return new IdentityAnchorInfo(devices, registration, anchor.name, new Opt<u64>(anchor.createdAt));
}
