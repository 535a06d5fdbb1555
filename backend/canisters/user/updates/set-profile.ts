// What the owner tells about themselves.

import { checkText, MAX_DESCRIPTION_CHARS, MAX_NAME_CHARS, TextCheck } from "../../../chat/text-rules";
import { CharLimit, ProfileError, SetProfileArgs, SetProfileResult } from "../../../generated/user/types";
import { callerIsOwner } from "../guards";
import { tellName } from "../jobs/tell-name";
import { account, saveAccount } from "../model/account";
import { events } from "../model/chats";
import { PROFILE } from "../model/profile";

export function set_profile(arg: SetProfileArgs): SetProfileResult {
  if (!callerIsOwner()) return SetProfileResult.Err(ProfileError.NotAuthorized());
  const bio = arg.bio.trim();
  if (checkText(bio, MAX_DESCRIPTION_CHARS) == TextCheck.TooLong) {
    return SetProfileResult.Err(ProfileError.BioTooLong(new CharLimit(MAX_DESCRIPTION_CHARS)));
  }
  let displayName: string | null = null;
  const asked = arg.display_name;
  if (asked !== null) {
    const name = asked.trim();
    if (checkText(name, MAX_NAME_CHARS) == TextCheck.TooLong) {
      return SetProfileResult.Err(ProfileError.DisplayNameTooLong(new CharLimit(MAX_NAME_CHARS)));
    }
    if (name.length > 0) displayName = name;
  }
  const state = account();
  if (state.displayName != displayName) state.isNameUntold = true;
  state.displayName = displayName;
  state.bio = bio;
  saveAccount();
  events.touchSummary(PROFILE);
  tellName();
  return SetProfileResult.Ok();
}
