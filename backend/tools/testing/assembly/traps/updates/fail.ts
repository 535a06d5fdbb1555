import { failing } from "../kinds";

export function fail(kind: u32): u32 {
  return failing(kind);
}
