// The salt: 32 random bytes, drawn once. It hides which principals belong to one identity.

import { openArgument } from "../../../cdk/candid/message";
import * as reader from "../../../cdk/candid/reader";
import * as writer from "../../../cdk/candid/writer";
import { Rejection, startCall } from "../../../cdk/calls";
import { Principal } from "../../../cdk/principal/principal";
import { saveSettings, settings } from "./settings";

export function hasSalt(): bool {
  return settings().salt.length == 32;
}

/** What to go on with when the salt is there. */
export abstract class AfterSalt {
  abstract resume(): void;
  abstract fail(why: string): void;
}

/** Draws the salt unless somebody was faster, then resumes. */
export function drawSalt(then: AfterSalt): void {
  writer.begin(memory.data<u8>([68, 73, 68, 76, 0, 0]), 6); // no arguments
  startCall(Principal.management(), memory.data<u8>([114, 97, 119, 95, 114, 97, 110, 100]), 8).perform(onRandom, onNoRandom, then); // raw_rand
}

function onRandom(context: Object | null): void {
  openArgument(memory.data<u8>([68, 73, 68, 76, 1, 109, 123, 1, 0]), 9); // (blob)
  const random = reader.readBlob();
  reader.close();
  assert(random.length == 32, "raw_rand gives 32 bytes");
  if (!hasSalt()) {
    settings().salt = random;
    saveSettings();
  }
  changetype<AfterSalt>(context).resume();
}

function onNoRandom(context: Object | null, rejection: Rejection): void {
  changetype<AfterSalt>(context).fail("no randomness for the salt, try again: " + rejection.message);
}
