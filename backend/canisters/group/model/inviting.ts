// Inviting people: shared by the first owner's list and by later invitations.

import { timeMillis } from "../../../cdk/api";
import { Principal } from "../../../cdk/principal/principal";
import { EventKind, EventRecord } from "../../../chat/event-record";
import { addEvent, events, people } from "./group";
import { addInvite, hasRoomFor, isInvited, memberByNumber, membersChanged } from "./members";
import { enqueueInvitation } from "./notices";

/** People invited in one call. */
export const MAX_INVITES: i32 = 100;

export const enum InviteOutcome {
  Done = 0,
  NoRoom = 1,
}

/** Invites those who are neither members nor invited; an event names them when there are any. */
export function invite(users: Array<Principal>, by: u32): InviteOutcome {
  const fresh: u32[] = [];
  for (let i = 0, count = min(users.length, MAX_INVITES); i < count; i++) {
    const number = people.numberOf(users[i]);
    if (memberByNumber(number) === null && !isInvited(number) && !fresh.includes(number)) fresh.push(number);
  }
  if (fresh.length == 0) return InviteOutcome.Done;
  if (!hasRoomFor(<u32>fresh.length)) return InviteOutcome.NoRoom;
  const record = EventRecord.system(EventKind.Invited, by, timeMillis());
  record.subjects = fresh;
  addEvent(record);
  for (let i = 0; i < fresh.length; i++) {
    addInvite(fresh[i], by);
    enqueueInvitation(people.principal(fresh[i]), people.principal(by));
  }
  membersChanged(events.version);
  return InviteOutcome.Done;
}
