// How the children are doing. Controllers only: it tells about load and failures.

import { caller, cycleBalance, isController, trap } from "../../../cdk/api";
import { Nat } from "../../../cdk/candid/nat";
import { ChildStatus, Status, UpgradeFailure } from "../../../generated/local_index/types";
import { allChildren, KINDS, kindView, State } from "../model/children";
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
    kinds.push(new ChildStatus(kindView(kind), 0, 0, version, sha256, 0, 0));
  }
  const failures: UpgradeFailure[] = [];
  const children = allChildren();
  for (let i = 0; i < children.length; i++) {
    const child = children[i];
    const entry = kinds[child.kind];
    if (child.state == State.InUse) entry.in_use++;
    if (child.state == State.Pool) entry.pool++;
    if (child.state != State.Empty && child.version < entry.version) entry.outdated++;
    if (child.failedVersion != 0) {
      entry.upgrades_failed++;
      failures.push(new UpgradeFailure(child.principal, child.version, child.failure));
    }
  }
  return new Status(kinds, failures, Nat.from(cycleBalance()), Nat.from(settings().toppedUpMillions * MILLION));
}
