// Changes the group's name and description; members see a change of name as an event.

import { timeMillis } from "../../../cdk/api";
import { EventKind, EventRecord } from "../../../chat/event-record";
import { checkText, MAX_DESCRIPTION_CHARS, MAX_NAME_CHARS, TextCheck } from "../../../chat/text-rules";
import { CharLimit, GroupError, GroupResult, UpdateGroupArgs } from "../../../generated/group/types";
import { callingMember } from "../guards";
import { addEvent, CHAT, events, group, saveGroup } from "../model/group";

export function update_group(arg: UpdateGroupArgs): GroupResult {
  const member = callingMember();
  if (member === null) return GroupResult.Err(GroupError.NotMember());
  if (!member.mayModerate) return GroupResult.Err(GroupError.NotAuthorized());
  const name = arg.name.trim();
  const description = arg.description.trim();
  if (checkText(name, MAX_NAME_CHARS) != TextCheck.Ok) return GroupResult.Err(GroupError.InvalidName());
  if (checkText(description, MAX_DESCRIPTION_CHARS) == TextCheck.TooLong) {
    return GroupResult.Err(GroupError.DescriptionTooLong(new CharLimit(MAX_DESCRIPTION_CHARS)));
  }
  const state = group();
  if (state.description != description) {
    state.description = description;
    saveGroup();
    events.touchSummary(CHAT);
  }
  if (state.name != name) {
    state.name = name;
    const record = EventRecord.system(EventKind.Renamed, member.number, timeMillis());
    record.text = name;
    addEvent(record);
  }
  return GroupResult.Ok();
}
