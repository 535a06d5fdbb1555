// Source: ICRC-1.

import { NAME } from "../model/token";

export function icrc1_name(): string {
  return NAME;
}
