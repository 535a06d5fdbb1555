// Source: ICP ledger interface.

import { SymbolResult } from "../../../generated/icp_ledger/types";
import { SYMBOL } from "../model/token";

export function symbol_(): SymbolResult {
  return new SymbolResult(SYMBOL);
}
