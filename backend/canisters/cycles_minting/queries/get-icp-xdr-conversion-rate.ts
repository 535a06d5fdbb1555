// The rate with its proof. The certificate is there in queries; a call in replicated mode gets an empty one.

import { dataCertificate } from "../../../cdk/api";
import { CertifiedConversionRate } from "../../../generated/cycles_minting/types";
import { rate, rateWitness } from "../model/certified-rate";

export function get_icp_xdr_conversion_rate(): CertifiedConversionRate {
  const certificate = dataCertificate();
  return new CertifiedConversionRate(rate(), rateWitness(), certificate === null ? new Uint8Array(0) : certificate);
}
