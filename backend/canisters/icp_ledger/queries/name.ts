// Source: ICP ledger interface.

import { NameResult } from "../../../generated/icp_ledger/types";
import { NAME } from "../model/token";

export function name(): NameResult {
  return new NameResult(NAME);
}
