// Where accounts are, and how many.

import { Principal } from "../../../cdk/principal/principal";
import { LocalIndexStatus } from "../../../generated/user_index/types";
import { callerMayManage } from "../guards";
import { allSubnets } from "../model/subnets";

export function local_indexes(): Array<LocalIndexStatus> {
  const list: LocalIndexStatus[] = [];
  if (!callerMayManage()) return list;
  const all = allSubnets();
  for (let i = 0; i < all.length; i++) list.push(new LocalIndexStatus(new Principal(all[i].localIndex), all[i].users));
  return list;
}
