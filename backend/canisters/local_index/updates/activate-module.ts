// Makes the staged module the one that children run, and begins to bring them up to it.

import { caller, isController } from "../../../cdk/api";
import { ActivateArgs, AdminResult } from "../../../generated/local_index/types";
import { scheduleMaintenance } from "../jobs/maintenance";
import { kindCode } from "../model/children";
import { activate, MAX_CHUNKS } from "../model/modules";

export function activate_module(arg: ActivateArgs): AdminResult {
  if (!isController(caller())) return AdminResult.Err("only controllers activate modules");
  if (arg.chunks == 0 || arg.chunks > MAX_CHUNKS) return AdminResult.Err("a module has 1 to " + MAX_CHUNKS.toString() + " chunks");
  const fault = activate(kindCode(arg.kind), arg.version, arg.chunks, arg.sha256);
  if (fault.length > 0) return AdminResult.Err(fault);
  scheduleMaintenance();
  return AdminResult.Ok();
}
