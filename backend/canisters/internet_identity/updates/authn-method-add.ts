import { AuthnMethodAddError, AuthnMethodAddResult, AuthnMethodData } from "../../../generated/internet_identity/types";
import { mustAuthenticate } from "../guards";
import { add } from "../model/change-devices";
import { conversionFault, fromAuthnMethodData } from "../model/convert";

export function authn_method_add(number: u64, data: AuthnMethodData): AuthnMethodAddResult {
  const anchor = mustAuthenticate(number);
  const device = fromAuthnMethodData(data);
  if (device == null) return AuthnMethodAddResult.Err(AuthnMethodAddError.InvalidMetadata(conversionFault));
  const fault = add(anchor, device);
  return fault == null ? AuthnMethodAddResult.Ok() : AuthnMethodAddResult.Err(AuthnMethodAddError.InvalidMetadata(fault));
}
