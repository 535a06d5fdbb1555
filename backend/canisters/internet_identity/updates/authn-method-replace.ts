import { AuthnMethodData, AuthnMethodReplaceError, AuthnMethodReplaceResult } from "../../../generated/internet_identity/types";
import { mustAuthenticate } from "../guards";
import { ALREADY_USED, NO_SUCH_DEVICE, replace } from "../model/change-devices";
import { conversionFault, fromAuthnMethodData } from "../model/convert";

export function authn_method_replace(number: u64, key: Uint8Array, data: AuthnMethodData): AuthnMethodReplaceResult {
  const anchor = mustAuthenticate(number);
  const device = fromAuthnMethodData(data);
  if (device == null) return AuthnMethodReplaceResult.Err(AuthnMethodReplaceError.InvalidMetadata(conversionFault));
  const fault = replace(anchor, key, device);
  if (fault == null) return AuthnMethodReplaceResult.Ok();
  if (fault == NO_SUCH_DEVICE) return AuthnMethodReplaceResult.Err(AuthnMethodReplaceError.AuthnMethodNotFound());
  if (fault == ALREADY_USED) return AuthnMethodReplaceResult.Err(AuthnMethodReplaceError.PasskeyWithThisPublicKeyIsAlreadyUsed());
  return AuthnMethodReplaceResult.Err(AuthnMethodReplaceError.InvalidMetadata(fault));
}
