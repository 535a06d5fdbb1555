import { trap } from "../../../cdk/api";
import { Principal } from "../../../cdk/principal/principal";
import { mustManage } from "../guards";
import { grant, settings } from "../model/settings";

/** The old name for granting Commit. */
export function authorize(who: Principal): void {
  mustManage();
  if (!grant(settings().commit, who)) trap("too many principals");
}
