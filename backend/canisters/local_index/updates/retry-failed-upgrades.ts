// Lets children whose upgrade failed be tried again.

import { caller, isController, trap } from "../../../cdk/api";
import { scheduleMaintenance } from "../jobs/maintenance";
import { failedChildren, saveChild } from "../model/children";

export function retry_failed_upgrades(): u32 {
  if (!isController(caller())) trap("only controllers retry upgrades");
  const children = failedChildren();
  for (let i = 0; i < children.length; i++) {
    children[i].failedVersion = 0;
    children[i].failure = "";
    saveChild(children[i]);
  }
  if (children.length > 0) scheduleMaintenance();
  return children.length;
}
