import { trap } from "../../../cdk/api";
import { DeviceData } from "../../../generated/internet_identity/types";
import { mustAuthenticate } from "../guards";
import { replace } from "../model/change-devices";
import { fromDeviceData } from "../model/convert";
import { sameKey } from "../model/device";

/** Changes a device's fields; its key stays. */
export function update(number: u64, key: Uint8Array, data: DeviceData): void {
  const anchor = mustAuthenticate(number);
  if (!sameKey(key, data.pubkey)) trap("update keeps the public key: use replace for another");
  const fault = replace(anchor, key, fromDeviceData(data));
  if (fault != null) trap(fault);
}
