import { counts } from "../state";

export function low_memory(): u32 { return counts.lowMemory; }
