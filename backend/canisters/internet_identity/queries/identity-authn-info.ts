import { AuthnMethod, IdentityAuthnInfo, IdentityAuthnInfoResult } from "../../../generated/internet_identity/types";
import { anchor } from "../model/anchors";
import { toAuthnMethod } from "../model/convert";

/** Public: keys and credential ids; a number that does not exist looks like one without any. */
export function identity_authn_info(number: u64): IdentityAuthnInfoResult {
  const usual: Array<AuthnMethod> = [];
  const recovery: Array<AuthnMethod> = [];
  const known = anchor(number);
  if (known != null) {
    for (let i = 0; i < known.devices.length; i++) {
      const device = known.devices[i];
      (device.isRecovery ? recovery : usual).push(toAuthnMethod(device));
    }
  }
  return IdentityAuthnInfoResult.Ok(new IdentityAuthnInfo(usual, recovery));
}
