// First installation: into the pool, without an owner.

import { keepInCycles } from "../../../chat/cycles";
import { InitArgs } from "../../../generated/group/types";
import { keepAnnouncing } from "../jobs/announce";
import { group, saveGroup } from "../model/group";

export function init(arg: InitArgs): void {
  const state = group();
  state.userIndex = arg.user_index.bytes;
  state.localIndex = arg.local_index.bytes;
  saveGroup();
  keepInCycles(arg.local_index);
  keepAnnouncing();
}
