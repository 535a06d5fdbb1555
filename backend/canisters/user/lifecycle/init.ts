// First installation: into the pool, without an owner.

import { keepInCycles } from "../../../chat/cycles";
import { InitArgs } from "../../../generated/user/types";
import { account, saveAccount } from "../model/account";

export function init(arg: InitArgs): void {
  const state = account();
  state.userIndex = arg.user_index.bytes;
  state.localIndex = arg.local_index.bytes;
  saveAccount();
  keepInCycles(arg.local_index);
}
