import { AnchorCredentials, WebAuthnCredential } from "../../../generated/internet_identity/types";
import { anchor } from "../model/anchors";
import { KeyKind } from "../model/device";

/** Public: what a browser needs to sign in with a known number. */
export function get_anchor_credentials(number: u64): AnchorCredentials {
  const out = new AnchorCredentials([], [], []);
  const known = anchor(number);
  if (known == null) return out;
  for (let i = 0; i < known.devices.length; i++) {
    const device = known.devices[i];
    const credential = device.credentialId;
    if (credential != null) {
      const entry = new WebAuthnCredential(credential, device.publicKey);
      if (device.isRecovery) out.recovery_credentials.push(entry);
      else out.credentials.push(entry);
    } else if (device.kind == KeyKind.SeedPhrase) out.recovery_phrases.push(device.publicKey);
  }
  return out;
}
