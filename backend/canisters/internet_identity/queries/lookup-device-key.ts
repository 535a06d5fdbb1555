import { DeviceKeyWithAnchor } from "../../../generated/internet_identity/types";
import { anchorOfCredential, deviceOfCredential } from "../model/anchors";

/** Public: a credential id is long and random, so who has it was given it by the passkey. */
export function lookup_device_key(credentialId: Uint8Array): DeviceKeyWithAnchor | null {
  const known = anchorOfCredential(credentialId);
  if (known == null) return null;
  const device = deviceOfCredential(known, credentialId);
  return device == null ? null : new DeviceKeyWithAnchor(device.publicKey, known.number);
}
