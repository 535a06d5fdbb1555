// Gives this canister, made for the pool, to its owner.

import { Principal } from "../../../cdk/principal/principal";
import { ClaimArgs, ClaimResult } from "../../../generated/user/types";
import { callerIsLocalIndex } from "../guards";
import { account, saveAccount } from "../model/account";
import { events } from "../model/chats";
import { PROFILE } from "../model/profile";

export function c2c_claim(arg: ClaimArgs): ClaimResult {
  if (!callerIsLocalIndex()) return ClaimResult.Err("only the local index gives canisters away");
  const state = account();
  if (state.isClaimed && !new Principal(state.owner).equals(arg.owner)) return ClaimResult.Err("this canister belongs to somebody else");
  // The same owner again: an earlier registration was not completed, and this one may be under another name.
  if (state.isClaimed && state.username == arg.username) return ClaimResult.Ok();
  state.owner = arg.owner.bytes;
  state.username = arg.username;
  saveAccount();
  events.touchSummary(PROFILE);
  return ClaimResult.Ok();
}
