import { setTimer } from "../../../../../cdk/timers";
import { failing } from "../kinds";

class Kind {
  constructor(public kind: u32) {}
}

export function fail_in_timer(kind: u32): void {
  setTimer(1, task, new Kind(kind));
}

function task(context: Object | null): void {
  failing(changetype<Kind>(context).kind);
}
