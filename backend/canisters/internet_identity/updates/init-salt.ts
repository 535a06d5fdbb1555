import { reject, trap } from "../../../cdk/api";
import { Later } from "../../../cdk/calls";
import { reply_init_salt } from "../../../generated/internet_identity/replies";
import { AfterSalt, drawSalt, hasSalt } from "../model/salt";

class SaltDrawn extends AfterSalt {
  resume(): void {
    reply_init_salt();
  }

  fail(why: string): void {
    reject(why);
  }
}

export function init_salt(): Later {
  if (hasSalt()) trap("Salt already set");
  drawSalt(new SaltDrawn());
}
