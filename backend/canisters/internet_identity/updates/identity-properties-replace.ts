import { caller } from "../../../cdk/api";
import {
  IdentityPropertiesReplace,
  IdentityPropertiesReplaceError,
  IdentityPropertiesReplaceErrorNameTooLong,
  IdentityPropertiesReplaceResult,
} from "../../../generated/internet_identity/types";
import { authenticatedUse } from "../guards";
import { MAX_NAME_BYTES } from "../model/anchor";
import { saveAnchor } from "../model/anchors";

export function identity_properties_replace(number: u64, properties: IdentityPropertiesReplace): IdentityPropertiesReplaceResult {
  const anchor = authenticatedUse(number);
  if (anchor == null) return IdentityPropertiesReplaceResult.Err(IdentityPropertiesReplaceError.Unauthorized(caller()));
  const name = properties.name;
  if (name != null && String.UTF8.byteLength(name) > MAX_NAME_BYTES) {
    return IdentityPropertiesReplaceResult.Err(IdentityPropertiesReplaceError.NameTooLong(new IdentityPropertiesReplaceErrorNameTooLong(MAX_NAME_BYTES)));
  }
  anchor.name = name;
  saveAnchor(anchor);
  return IdentityPropertiesReplaceResult.Ok();
}
