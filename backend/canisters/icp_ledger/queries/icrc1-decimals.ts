// Source: ICRC-1.

import { DECIMALS } from "../model/token";

export function icrc1_decimals(): u8 {
  return DECIMALS;
}
