import { caller, time } from "../../../cdk/api";
import {
  IdentityRegistrationFinishResult,
  IdRegFinishArg,
  IdRegFinishError,
  IdRegFinishResult,
} from "../../../generated/internet_identity/types";
import { anchorFault, Anchor, deviceFault, MAX_NAME_BYTES } from "../model/anchor";
import { createAnchor, isTaken } from "../model/anchors";
import { ALREADY_USED } from "../model/change-devices";
import { conversionFault, fromAuthnMethodData } from "../model/convert";
import { finishRegistration, isRegistering } from "../model/registrations";
import { allowTemporarily } from "../model/temporary-keys";

function invalid(fault: string): IdentityRegistrationFinishResult {
  return IdentityRegistrationFinishResult.Err(IdRegFinishError.InvalidAuthnMethod(fault));
}

/** Makes the identity. The caller's key, if it is not the device's own, may act for it for ten minutes. */
export function identity_registration_finish(arg: IdRegFinishArg): IdentityRegistrationFinishResult {
  const who = caller();
  const now = time();
  if (!isRegistering(who, now)) return IdentityRegistrationFinishResult.Err(IdRegFinishError.NoRegistrationFlow());
  const name = arg.name;
  if (name != null && String.UTF8.byteLength(name) > MAX_NAME_BYTES) return IdentityRegistrationFinishResult.Err(IdRegFinishError.StorageError("name longer than 128 bytes"));
  const device = fromAuthnMethodData(arg.authn_method);
  if (device == null) return invalid(conversionFault);
  const fault = deviceFault(device);
  if (fault != null) return invalid(fault);
  if (isTaken(device)) return invalid(ALREADY_USED);
  const alone = new Anchor();
  alone.devices.push(device);
  const whole = anchorFault(alone);
  if (whole != null) return invalid(whole);
  device.lastUsage = now;
  const anchor = createAnchor(device, name, now);
  if (anchor == null) return IdentityRegistrationFinishResult.Err(IdRegFinishError.IdentityLimitReached());
  finishRegistration(who);
  if (!device.principal.equals(who)) allowTemporarily(who, anchor, device.publicKey, now);
  return IdentityRegistrationFinishResult.Ok(new IdRegFinishResult(anchor.number));
}
