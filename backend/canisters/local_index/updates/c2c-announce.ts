// A group says what its newest version is stamped with. Whoever knows that stamp has all of it, and the group need not be
// asked for them. Safe to repeat; the last announcement counts, and a group has only one under way.

import { caller, trap } from "../../../cdk/api";
import { AnnounceArgs } from "../../../generated/local_index/types";
import { findChild, Kind } from "../model/children";
import { setStamp } from "../model/stamps";

export function c2c_announce(arg: AnnounceArgs): void {
  const group = caller();
  const child = findChild(group);
  if (child === null || child.kind != Kind.Group) trap("only groups of this subnet announce");
  setStamp(group, arg.stamp);
}
