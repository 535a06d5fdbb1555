import {
  AuthnMethodMetadataReplaceError,
  AuthnMethodMetadataReplaceResult,
  MetadataMapV2ContentItem,
} from "../../../generated/internet_identity/types";
import { mustAuthenticate } from "../guards";
import { rewrite } from "../model/change-devices";
import { applyMetadata } from "../model/convert";
import { Device } from "../model/device";

/** Renames a device, for example. */
export function authn_method_metadata_replace(number: u64, key: Uint8Array, map: Array<MetadataMapV2ContentItem>): AuthnMethodMetadataReplaceResult {
  const anchor = mustAuthenticate(number);
  const at = anchor.indexOf(key);
  if (at < 0) return AuthnMethodMetadataReplaceResult.Err(AuthnMethodMetadataReplaceError.AuthnMethodNotFound());
  const old = anchor.devices[at];
  const changed = new Device();
  changed.publicKey = old.publicKey;
  changed.credentialId = old.credentialId;
  changed.aaguid = old.aaguid;
  changed.isRecovery = old.isRecovery;
  changed.isProtected = old.isProtected;
  changed.lastUsage = old.lastUsage;
  let fault = applyMetadata(changed, map);
  if (fault == null) fault = rewrite(anchor, at, changed);
  return fault == null
    ? AuthnMethodMetadataReplaceResult.Ok()
    : AuthnMethodMetadataReplaceResult.Err(AuthnMethodMetadataReplaceError.InvalidMetadata(fault));
}
