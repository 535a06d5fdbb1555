// Who may call: members by their sign-in principal, user canisters of members and of the invited, the local index.

import { caller } from "../../cdk/api";
import { Principal } from "../../cdk/principal/principal";
import { group } from "./model/group";
import { Member, memberByPrincipal } from "./model/members";

/** The calling member, or null. */
export function callingMember(): Member | null {
  return memberByPrincipal(caller());
}

export function callerIsLocalIndex(): bool {
  return caller().equals(new Principal(group().localIndex));
}

/** The member who reads: the caller, or whom the local index asks for. */
export function readingMember(onBehalfOf: Principal | null): Member | null {
  if (onBehalfOf === null) return callingMember();
  return callerIsLocalIndex() ? memberByPrincipal(onBehalfOf) : null;
}
