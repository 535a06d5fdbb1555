import { caller, time } from "../../../cdk/api";
import { Opt } from "../../../cdk/candid/opt";
import {
  AuthnMethodData,
  AuthnMethodRegistrationInfo,
  IdentityInfo,
  IdentityInfoError,
  IdentityInfoResult,
} from "../../../generated/internet_identity/types";
import { authenticatedUse } from "../guards";
import { toAuthnMethodData } from "../model/convert";
import { registrationMode } from "../model/registration-mode";

export function identity_info(number: u64): IdentityInfoResult {
  const anchor = authenticatedUse(number);
  if (anchor == null) return IdentityInfoResult.Err(IdentityInfoError.Unauthorized(caller()));
  const methods: Array<AuthnMethodData> = [];
  for (let i = 0; i < anchor.devices.length; i++) methods.push(toAuthnMethodData(anchor.devices[i]));
  const mode = registrationMode(number, time());
  let registration: AuthnMethodRegistrationInfo | null = null;
  if (mode != null) {
    const tentative = mode.device;
    const data: AuthnMethodData | null = tentative == null ? null : toAuthnMethodData(tentative);
    registration = new AuthnMethodRegistrationInfo(data, null, mode.expiry);
  }
  return IdentityInfoResult.Ok(new IdentityInfo(methods, registration, [], anchor.name, new Opt<u64>(anchor.createdAt)));
}
