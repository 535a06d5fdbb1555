// Source: ICP ledger interface.

import { Account } from "../../../generated/icp_ledger/types";
import { identifierOrTrap } from "../model/token";

export function account_identifier(account: Account): Uint8Array {
  return identifierOrTrap(account.owner, account.subaccount);
}
