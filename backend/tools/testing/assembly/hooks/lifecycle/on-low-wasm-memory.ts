import { field, logWarn } from "../../../../../cdk/log";
import { counts } from "../state";

export function on_low_wasm_memory(): void {
  counts.lowMemory++;
  logWarn("memory is low" + field("pages", memory.size()));
  assert(!counts.failing, "a hook that traps");
}
