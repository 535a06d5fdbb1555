// Source: ICRC-1. Cycles come in by deposits, not out of an account.

import { Account } from "../../../generated/cycles_ledger/types";

export function icrc1_minting_account(): Account | null {
  return null;
}
