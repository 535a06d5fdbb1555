// Source: ICRC-1.

import { SYMBOL } from "../model/token";

export function icrc1_symbol(): string {
  return SYMBOL;
}
