// Source: ICP ledger interface.

import { Tokens, TransferFee, TransferFeeArgs } from "../../../generated/icp_ledger/types";
import { FEE } from "../model/token";

export function transfer_fee(arg: TransferFeeArgs): TransferFee {
  return new TransferFee(new Tokens(FEE));
}
