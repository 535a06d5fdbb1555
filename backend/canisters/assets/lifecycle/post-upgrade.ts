import { AssetCanisterArgs } from "../../../generated/assets/types";
import { certifyAll } from "../model/certification";
import { dropAllUploads } from "../model/uploads";
import { permissionsOf, setPermissions } from "./init";

export function post_upgrade(arg: AssetCanisterArgs | null): void {
  const permissions = permissionsOf(arg);
  if (permissions != null) setPermissions(permissions);
  dropAllUploads();
  certifyAll();
}
