// Source: ICRC-1, "icrc1_metadata".

import { Nat } from "../../../cdk/candid/nat";
import { MetadataEntry, MetadataValue } from "../../../generated/cycles_ledger/types";
import { DECIMALS, FEE, NAME, SYMBOL } from "../model/token";

export function icrc1_metadata(): Array<MetadataEntry> {
  return [
    new MetadataEntry("icrc1:name", MetadataValue.Text(NAME)),
    new MetadataEntry("icrc1:symbol", MetadataValue.Text(SYMBOL)),
    new MetadataEntry("icrc1:decimals", MetadataValue.Nat(Nat.from(DECIMALS))),
    new MetadataEntry("icrc1:fee", MetadataValue.Nat(Nat.from(FEE))),
  ];
}
