import { counts } from "../state";

export function heartbeat(): void {
  counts.heartbeats++;
  assert(!counts.failing, "a heartbeat that traps");
}
