// Goes on with whatever was under way.

import { scheduleMaintenance } from "../jobs/maintenance";

export function post_upgrade(): void {
  scheduleMaintenance();
}
