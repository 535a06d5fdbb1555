import { trap } from "../../../cdk/api";
import { Opt } from "../../../cdk/candid/opt";
import { AssetProperties, HeaderField } from "../../../generated/assets/types";
import { Choice } from "../model/asset";
import { asset } from "../model/assets";

function optional(choice: Choice): Opt<bool> | null {
  return choice == Choice.Default ? null : new Opt<bool>(choice == Choice.Yes);
}

export function get_asset_properties(key: string): AssetProperties {
  const found = asset(key);
  if (found == null) trap("asset not found: " + key);
  const own = found!.headers;
  let headers: Array<HeaderField> | null = null;
  if (own != null) {
    headers = [];
    for (let i = 0; i < own.length; i++) headers.push(new HeaderField(own[i].name, own[i].value));
  }
  const age = found!.maxAge;
  return new AssetProperties(age < 0 ? null : new Opt<u64>(age), headers, optional(found!.allowsRaw), optional(found!.isAliased));
}
