// Source: ICRC-1, "icrc1_supported_standards".

import { SupportedStandard } from "../../../generated/cycles_ledger/types";

export function icrc1_supported_standards(): Array<SupportedStandard> {
  return [new SupportedStandard("ICRC-1", "https://github.com/dfinity/ICRC-1")];
}
