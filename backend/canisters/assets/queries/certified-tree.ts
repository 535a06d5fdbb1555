import { dataCertificate, trap } from "../../../cdk/api";
import { CertifiedTreeArgs, CertifiedTreeResult } from "../../../generated/assets/types";
import { version1Tree } from "../model/certification";

export function certified_tree(_arg: CertifiedTreeArgs): CertifiedTreeResult {
  const certificate = dataCertificate();
  if (certificate == null) trap("no certificate: certified_tree must be a query");
  return new CertifiedTreeResult(certificate!, version1Tree());
}
