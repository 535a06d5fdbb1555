// A user canister tells what its owner wants to be called, for search results and member lists.

import { caller } from "../../../cdk/api";
import { checkText, MAX_NAME_CHARS, TextCheck } from "../../../chat/text-rules";
import { setDisplayName } from "../model/directory";

export function c2c_set_display_name(name: string | null): void {
  const wanted = name === null ? "" : name.trim();
  if (checkText(wanted, MAX_NAME_CHARS) == TextCheck.TooLong) return;
  setDisplayName(caller(), wanted);
}
