// State is in stable memory; only timers have to be set again.

import { Principal } from "../../../cdk/principal/principal";
import { keepInCycles } from "../../../chat/cycles";
import { keepAnnouncing } from "../jobs/announce";
import { group } from "../model/group";

export function post_upgrade(): void {
  keepInCycles(new Principal(group().localIndex));
  keepAnnouncing();
}
