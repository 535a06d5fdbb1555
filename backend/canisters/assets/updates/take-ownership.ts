import { caller } from "../../../cdk/api";
import { mustControl } from "../guards";
import { saveSettings, settings } from "../model/settings";

/** Takes every permission from everybody and gives Commit to the controller who asks. */
export function take_ownership(): void {
  mustControl();
  const all = settings();
  all.commit = [caller()];
  all.prepare = [];
  all.manage = [];
  saveSettings();
}
