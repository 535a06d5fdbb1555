// Source: ICP ledger interface.

import { DecimalsResult } from "../../../generated/icp_ledger/types";
import { DECIMALS } from "../model/token";

export function decimals(): DecimalsResult {
  return new DecimalsResult(DECIMALS);
}
