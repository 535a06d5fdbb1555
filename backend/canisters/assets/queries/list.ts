import { Int, Nat } from "../../../cdk/candid/nat";
import { AssetDetails, AssetDetailsEncodingsItem, ListArgs } from "../../../generated/assets/types";
import { allAssets } from "../model/assets";

/** At most this many at once: a list of all must fit into a reply. */
const MOST: u64 = 10_000;

function orElse(value: Nat | null, otherwise: u64): u64 {
  if (!value) return otherwise;
  return value.fitsU64 ? value.toU64() : u64.MAX_VALUE;
}

export function list(arg: ListArgs): Array<AssetDetails> {
  const start = orElse(arg.start, 0);
  const length = min(orElse(arg.length, MOST), MOST);
  const out: Array<AssetDetails> = [];
  const c = allAssets();
  let at: u64 = 0;
  for (let ok = c.first(); ok && <u64>out.length < length; ok = c.next()) {
    if (at++ < start) continue;
    const asset = c.value;
    const encodings: Array<AssetDetailsEncodingsItem> = [];
    for (let i = 0; i < asset.encodings.length; i++) {
      const encoding = asset.encodings[i];
      encodings.push(new AssetDetailsEncodingsItem(encoding.name, encoding.sha256, Nat.from(encoding.length), Int.from(<i64>encoding.modified)));
    }
    out.push(new AssetDetails(asset.key, asset.contentType, encodings));
  }
  return out;
}
