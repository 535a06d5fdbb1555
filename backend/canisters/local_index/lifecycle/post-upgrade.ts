// Goes on with whatever was under way.

import { keepMaintaining } from "../jobs/maintenance";
import { indexOldChildren } from "../model/children";

export function post_upgrade(): void {
  indexOldChildren();
  keepMaintaining();
}
