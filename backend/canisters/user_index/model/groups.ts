// Group canisters of this network and the local index that made them, so that others can tell real ones.

import { StableBTreeMap } from "../../../cdk/stable/btree-map";
import { stableMemory } from "../../../cdk/stable/memory-manager";
import { GROUPS } from "../memory";

export const groups = new StableBTreeMap<Uint8Array, Uint8Array>(stableMemory(GROUPS));
