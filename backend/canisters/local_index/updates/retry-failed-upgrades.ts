// Lets children whose upgrade failed be tried again.

import { caller, isController, trap } from "../../../cdk/api";
import { scheduleMaintenance } from "../jobs/maintenance";
import { allChildren, saveChild } from "../model/children";

export function retry_failed_upgrades(): u32 {
  if (!isController(caller())) trap("only controllers retry upgrades");
  let count: u32 = 0;
  const children = allChildren();
  for (let i = 0; i < children.length; i++) {
    if (children[i].failedVersion == 0) continue;
    children[i].failedVersion = 0;
    children[i].failure = "";
    saveChild(children[i]);
    count++;
  }
  if (count > 0) scheduleMaintenance();
  return count;
}
