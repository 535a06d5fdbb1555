// Moves read marks forward. Of direct chats the other side learns, once the owner has answered: no stranger is told
// when somebody looks at their messages. Of groups only the owner's own clients learn.

import { timeMillis } from "../../../cdk/api";
import { ChatIdTag, ReadMark } from "../../../generated/user/types";
import { callerIsOwner } from "../guards";
import { findChatWith } from "../model/chats";
import { enqueueRead, hasRoom } from "../model/delivery";
import { findGroup, saveGroup } from "../model/groups";
import { markRead } from "../model/posting";

/** A client marks what it shows; more in one call is nobody's screen. */
const MAX_MARKS: i32 = 100;

export function mark_read(marks: Array<ReadMark>): void {
  if (!callerIsOwner()) return;
  for (let i = 0, count = min(marks.length, MAX_MARKS); i < count; i++) {
    const mark = marks[i];
    if (mark.chat.tag == ChatIdTag.Direct) {
      const them = mark.chat.as_Direct;
      const chat = findChatWith(them);
      if (chat === null) continue;
      const read = markRead(chat, mark.up_to);
      // A mark that finds no room is told with the next one. Who is blocked learns nothing, who is not answered yet
      // learns with the answer.
      if (read.found && chat.isAnswered && !chat.blocked && hasRoom(them)) enqueueRead(them, timeMillis(), read.messageId);
    } else {
      const group = findGroup(mark.chat.as_Group);
      if (group === null || <i64>mark.up_to <= group.readUpTo) continue;
      group.readUpTo = <i64>mark.up_to;
      saveGroup(group);
    }
  }
}
