// All assets, by key.

import { Cursor, StableBTreeMap } from "../../../cdk/stable/btree-map";
import { stableMemory } from "../../../cdk/stable/memory-manager";
import { ASSETS } from "../memory";
import { Asset, Encoding } from "./asset";
import { dropChunk } from "./contents";

const assets = new StableBTreeMap<string, Asset>(stableMemory(ASSETS), 2048);

/** Longest key in bytes: it is a key of the map. */
export const MAX_KEY_BYTES: i32 = 400;

export function asset(key: string): Asset | null {
  if (String.UTF8.byteLength(key) > MAX_KEY_BYTES) return null;
  return assets.find(key) ? assets.found() : null;
}

export function saveAsset(asset: Asset): void {
  assets.insert(asset.key, asset);
}

/** Removes the asset and its bytes. */
export function removeAsset(asset: Asset): void {
  for (let i = 0; i < asset.encodings.length; i++) dropContent(asset.encodings[i]);
  assets.remove(asset.key);
}

export function dropContent(encoding: Encoding): void {
  for (let i = 0; i < encoding.chunks.length; i++) dropChunk(encoding.chunks[i]);
}

/** A walk over all assets in the order of their keys. */
export function allAssets(): Cursor<string, Asset> {
  return assets.cursor();
}
