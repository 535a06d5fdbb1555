// Who may call: the owner, the local index on the owner's behalf, or neither.

import { caller } from "../../cdk/api";
import { Principal } from "../../cdk/principal/principal";
import { account } from "./model/account";

/** The person this canister belongs to. False for everybody while it is pooled. */
export function isOwner(who: Principal): bool {
  const state = account();
  return state.isClaimed && who.equals(new Principal(state.owner));
}

export function callerIsOwner(): bool {
  return isOwner(caller());
}

export function callerIsLocalIndex(): bool {
  return caller().equals(new Principal(account().localIndex));
}

/** Queries about the owner: by the owner, or by the local index, which names whom it asks for. */
export function mayReadFor(onBehalfOf: Principal | null): bool {
  const who = caller();
  if (onBehalfOf === null) return isOwner(who);
  return who.equals(new Principal(account().localIndex)) && isOwner(onBehalfOf);
}
