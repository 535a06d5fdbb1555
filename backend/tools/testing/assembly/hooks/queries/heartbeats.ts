import { counts } from "../state";

export function heartbeats(): u32 { return counts.heartbeats; }
