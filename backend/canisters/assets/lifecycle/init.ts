import { caller } from "../../../cdk/api";
import { AssetCanisterArgs, AssetCanisterArgsTag, SetPermissions } from "../../../generated/assets/types";
import { certifyAll } from "../model/certification";
import { grant, saveSettings, settings } from "../model/settings";

/** Whoever installs may commit. */
export function init(arg: AssetCanisterArgs | null): void {
  const permissions = permissionsOf(arg);
  if (permissions != null) setPermissions(permissions);
  else grant(settings().commit, caller());
  certifyAll();
}

/** The permissions in the argument of an install or an upgrade, whichever case was sent. */
export function permissionsOf(arg: AssetCanisterArgs | null): SetPermissions | null {
  if (arg == null) return null;
  return arg.tag == AssetCanisterArgsTag.Init ? arg.as_Init.set_permissions : arg.as_Upgrade.set_permissions;
}

export function setPermissions(permissions: SetPermissions): void {
  const all = settings();
  all.commit = [];
  all.prepare = [];
  all.manage = [];
  saveSettings();
  for (let i = 0; i < permissions.commit.length; i++) assert(grant(all.commit, permissions.commit[i]), "too many principals");
  for (let i = 0; i < permissions.prepare.length; i++) assert(grant(all.prepare, permissions.prepare[i]), "too many principals");
  for (let i = 0; i < permissions.manage_permissions.length; i++) assert(grant(all.manage, permissions.manage_permissions[i]), "too many principals");
}
