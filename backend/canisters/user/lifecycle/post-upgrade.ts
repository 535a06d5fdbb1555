// State is in stable memory; only timers have to be set again. A call cannot be made here.

import { setTimer } from "../../../cdk/timers";
import { keepInCycles } from "../../../chat/cycles";
import { tellName } from "../jobs/tell-name";
import { account, localIndex } from "../model/account";

export function post_upgrade(): void {
  keepInCycles(localIndex());
  if (account().isNameUntold) setTimer(0, tellLater);
}

function tellLater(context: Object | null): void {
  tellName();
}
