// How the children are doing. Controllers only: it tells about load and failures.

import { caller, cycleBalance, isController, trap } from "../../../cdk/api";
import { Nat } from "../../../cdk/candid/nat";
import { ChildStatus, Status, UpgradeFailure } from "../../../generated/local_index/types";
import { countChildren, countDue, failedChildren, KINDS, kindView, State } from "../model/children";
import { currentModule } from "../model/modules";
import { settings } from "../model/settings";

const MILLION: u64 = 1_000_000;

export function status(): Status {
  if (!isController(caller())) trap("only controllers see the status");
  const kinds: ChildStatus[] = [];
  for (let kind: u8 = 0; kind < KINDS; kind++) {
    const module = currentModule(kind);
    const version = module === null ? 0 : module.version;
    const sha256 = module === null ? new Uint8Array(0) : module.sha256;
    const inUse = countChildren(kind, State.InUse);
    const pool = countChildren(kind, State.Pool);
    kinds.push(new ChildStatus(kindView(kind), inUse, pool, version, sha256, countDue(kind, version), 0));
  }
  const failures: UpgradeFailure[] = [];
  const failed = failedChildren();
  for (let i = 0; i < failed.length; i++) {
    const child = failed[i];
    const entry = kinds[child.kind];
    // What failed with the current version is not due any more, but still on an older one.
    if (child.failedVersion == entry.version) entry.outdated++;
    entry.upgrades_failed++;
    failures.push(new UpgradeFailure(child.principal, child.version, child.failure));
  }
  return new Status(kinds, failures, Nat.from(cycleBalance()), Nat.from(settings().toppedUpMillions * MILLION));
}
