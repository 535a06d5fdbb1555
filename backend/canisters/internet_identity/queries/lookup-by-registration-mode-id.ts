import { time } from "../../../cdk/api";
import { Opt } from "../../../cdk/candid/opt";
import { anchorWithId } from "../model/registration-mode";

export function lookup_by_registration_mode_id(id: string): Opt<u64> | null {
  const number = anchorWithId(id, time());
  return number == 0 ? null : new Opt<u64>(number);
}
