import { isSeeded, randomBytes } from "../../../../../cdk/random";

export function random(n: u32): Uint8Array | null { return isSeeded() ? randomBytes(n) : null; }
