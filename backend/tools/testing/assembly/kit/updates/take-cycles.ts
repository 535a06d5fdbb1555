import { acceptCycles } from "../../../../../cdk/api";

export function take_cycles(most: u64): u64 { return acceptCycles(most); }
