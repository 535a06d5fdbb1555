import { TwoResults } from "../../../../../generated/kit/replies";

export function two(n: u32): TwoResults { return new TwoResults(n + 1, "after " + n.toString()); }
