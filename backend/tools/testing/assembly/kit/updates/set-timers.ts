import { clearTimer, setTimer, setTimerInterval } from "../../../../../cdk/timers";
import { ticked } from "../state";

const SECOND: u64 = 1_000_000_000;

class Name {
  constructor(public name: string) {}
}

export function set_timers(): void {
  setTimer(3 * SECOND, once, new Name("three"));
  setTimer(1 * SECOND, once, new Name("one"));
  setTimer(2 * SECOND, trapping, null);
  setTimerInterval(2 * SECOND, once, new Name("every two"));
  clearTimer(setTimer(1 * SECOND, once, new Name("cancelled")));
}

function once(context: Object | null): void { ticked.push(changetype<Name>(context).name); }

function trapping(context: Object | null): void {
  ticked.push("must be undone");
  assert(false, "a task that traps");
}
