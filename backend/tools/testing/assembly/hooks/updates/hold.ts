import { held } from "../state";

export function hold(bytes: u32): void { held.push(new Uint8Array(<i32>bytes)); }
