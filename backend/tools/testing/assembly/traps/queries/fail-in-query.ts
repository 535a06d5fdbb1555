import { failing } from "../kinds";

export function fail_in_query(kind: u32): u32 {
  return failing(kind);
}
