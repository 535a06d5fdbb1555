/**
 * Any number of timers over the system's one global timer.
 *
 * Each task runs in a message of its own, which the canister sends to itself: a task that traps
 * undoes only its own effects and cannot stop the others, nor the timer that comes next.
 *
 * Timers live on the heap and end with an upgrade; set them in `init` and `post_upgrade`. Work that
 * must survive on its own belongs in stable memory (see outbox/).
 *
 * T1 a task never runs before its time; T2 a one-shot task that traps is tried again after 10 s,
 * 20 s, 40 s … and given up after MAX_ATTEMPTS, with a line in the log; T3 a repeating task goes on
 * whatever happens, and never overlaps itself.
 */
import * as ic0 from "./ic0";
import * as writer from "./candid/writer";
import { print, self } from "./api";
import { Call, Rejection } from "./calls";

export type TimerTask = (context: Object | null) => void;

const SECOND: u64 = 1_000_000_000;
const RETRY_DELAY: u64 = 10 * SECOND;
const MAX_ATTEMPTS: i32 = 5;

class Timer {
  attempts: i32 = 0;
  cancelled: bool = false;
  constructor(public id: u32, public due: u64, public interval: u64, public task: TimerTask, public context: Object | null) {}
}

/** Binary heap by `due`. */
const waiting: Array<Timer> = new Array<Timer>();
/** Timers whose message is under way. */
const running: Map<u32, Timer> = new Map<u32, Timer>();
let lastId: u32 = 0;
/** What the global timer is set to; 0 = off. */
let armed: u64 = 0;

/** Runs `task(context)` once, at least `delayNanos` from now. Returns an id for `clearTimer`. */
export function setTimer(delayNanos: u64, task: TimerTask, context: Object | null = null): u32 {
  return add(new Timer(++lastId, ic0.time() + delayNanos, 0, task, context));
}

/** Runs `task(context)` every `intervalNanos`, first after one interval. */
export function setTimerInterval(intervalNanos: u64, task: TimerTask, context: Object | null = null): u32 {
  return add(new Timer(++lastId, ic0.time() + intervalNanos, max<u64>(intervalNanos, 1), task, context));
}

/** Forgets a timer. A task that is already under way still runs. */
export function clearTimer(id: u32): void {
  if (running.has(id)) running.get(id).cancelled = true;
  for (let i = 0; i < waiting.length; i++) {
    if (waiting[i].id == id) waiting[i].cancelled = true;
  }
}

function add(timer: Timer): u32 {
  push(timer);
  arm();
  return timer.id;
}

function push(timer: Timer): void {
  let i = waiting.push(timer) - 1;
  while (i > 0) {
    const parent = (i - 1) >> 1;
    if (waiting[parent].due <= timer.due) break;
    waiting[i] = waiting[parent];
    i = parent;
  }
  waiting[i] = timer;
}

function pop(): Timer {
  const top = waiting[0];
  const last = waiting.pop();
  const n = waiting.length;
  if (n == 0) return top;
  let i = 0;
  for (let child = 1; child < n; child = 2 * i + 1) {
    if (child + 1 < n && waiting[child + 1].due < waiting[child].due) child++;
    if (waiting[child].due >= last.due) break;
    waiting[i] = waiting[child];
    i = child;
  }
  waiting[i] = last;
  return top;
}

/** Sets the global timer to the earliest due time, if that changes it. */
function arm(): void {
  const due: u64 = waiting.length == 0 ? 0 : max<u64>(waiting[0].due, 1);
  if (due == armed) return;
  armed = due;
  ic0.global_timer_set(due);
}

/** Name of the update that runs one task; it refuses everybody but this canister. */
const RUN = memory.data<u8>([60, 107, 105, 116, 62, 32, 116, 105, 109, 101, 114]); // "<kit> timer"
const RUN_SIZE: u32 = 11;
const scratch: usize = memory.data(4);

/** The entry point canister_global_timer. The system has switched the timer off. */
export function fireTimers(): void {
  armed = 0;
  const now = ic0.time();
  while (waiting.length > 0 && waiting[0].due <= now) {
    const timer = pop();
    if (!timer.cancelled) launch(timer);
  }
  arm();
}

function launch(timer: Timer): void {
  running.set(timer.id, timer);
  store<u32>(scratch, timer.id);
  writer.begin(scratch, 4);
  new Call(self(), RUN, RUN_SIZE).perform(onDone, onTrapped, timer);
}

/** The entry point of `RUN`: runs the task whose id is the argument. */
export function runTimer(): void {
  if (!isSelf() || ic0.msg_arg_data_size() != 4) {
    ic0.trap(RUN, RUN_SIZE);
    unreachable();
  }
  ic0.msg_arg_data_copy(scratch, 0, 4);
  const id = load<u32>(scratch);
  if (running.has(id)) {
    const timer = running.get(id);
    if (!timer.cancelled) timer.task(timer.context);
  }
  ic0.msg_reply();
}

function isSelf(): bool {
  const me = self().bytes;
  const size = ic0.msg_caller_size();
  if (size != <usize>me.byteLength) return false;
  const buffer = heap.alloc(size + 1);
  ic0.msg_caller_copy(buffer, 0, size);
  const same = memory.compare(buffer, me.dataStart, size) == 0;
  heap.free(buffer);
  return same;
}

function onDone(context: Object | null): void {
  const timer = changetype<Timer>(context);
  running.delete(timer.id);
  timer.attempts = 0;
  again(timer, timer.interval);
}

function onTrapped(context: Object | null, rejection: Rejection): void {
  const timer = changetype<Timer>(context);
  running.delete(timer.id);
  if (!rejection.sent) return again(timer, SECOND);
  print("timer " + timer.id.toString() + ": " + rejection.message);
  if (timer.interval != 0) return again(timer, timer.interval);
  if (++timer.attempts < MAX_ATTEMPTS) again(timer, RETRY_DELAY << (timer.attempts - 1));
}

/** Puts a timer back, `delay` from now; a delay of 0 means it is finished. */
function again(timer: Timer, delay: u64): void {
  if (delay == 0 || timer.cancelled) return;
  timer.due = ic0.time() + delay;
  push(timer);
  arm();
}

/** Number of timers that are set or under way. */
export function timerCount(): i32 { return waiting.length + running.size; }
