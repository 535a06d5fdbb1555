// The rate in certified data: a tree with one leaf, ICP_XDR_CONVERSION_RATE, the Candid form of the rate.

import { setCertifiedData } from "../../../cdk/api";
import { CborWriter } from "../../../cdk/cbor/writer";
import { CertifiedTree, textLabel } from "../../../cdk/certification/certified-tree";
import { ConversionRate, encodeConversionRate } from "../../../generated/cycles_minting/types";
import { settings } from "./settings";

const LABEL = "ICP_XDR_CONVERSION_RATE";

export function rate(): ConversionRate {
  const state = settings();
  return new ConversionRate(state.rateSeconds, state.rate);
}

function rateTree(): CertifiedTree {
  const tree = new CertifiedTree();
  tree.setLeaf(textLabel(LABEL), encodeConversionRate(rate()));
  return tree;
}

/** Call in init and post_upgrade. */
export function certifyRate(): void {
  setCertifiedData(rateTree().digest());
}

/** CBOR of the tree that the certified data is the digest of. */
export function rateWitness(): Uint8Array {
  const w = new CborWriter();
  rateTree().witness([[textLabel(LABEL)]], w);
  return w.done();
}
