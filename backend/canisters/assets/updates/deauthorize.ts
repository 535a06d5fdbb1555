import { caller } from "../../../cdk/api";
import { Principal } from "../../../cdk/principal/principal";
import { mustManage } from "../guards";
import { revoke, settings } from "../model/settings";

/** Anybody may give up what is theirs. */
export function deauthorize(who: Principal): void {
  if (!who.equals(caller())) mustManage();
  revoke(settings().commit, who);
}
