import { trap } from "../../../cdk/api";
import { mustAuthenticate } from "../guards";
import { remove as removeFrom } from "../model/change-devices";

export function remove(number: u64, key: Uint8Array): void {
  const fault = removeFrom(mustAuthenticate(number), key);
  if (fault != null) trap(fault);
}
