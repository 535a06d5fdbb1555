// Brings the children to where they should be, one step after another: finishes those that have no module yet,
// upgrades those that run an old one, and refills the pools. Runs after anything that could leave work, and
// until nothing is left.
//
// Properties:
// - M1 at most MAX_TASKS children are worked on at once, each by one chain of calls.
// - M2 every step is recorded before the next call, so a stop or an upgrade of the local index in the middle
//   leaves a child that the next round picks up; none is forgotten and none is made twice.
// - M3 a child whose upgrade fails keeps its old module, is started again and is not tried again for that
//   version until asked.
// - M4 whatever ends a chain of calls, a trap of its continuation too, gives its place back.
// - M5 a round costs in proportion to what it begins, not to the number of children.

import { liquidCycleBalance, self, time } from "../../../cdk/api";
import { Rejection } from "../../../cdk/calls";
import { Principal } from "../../../cdk/principal/principal";
import { setTimer, setTimerInterval } from "../../../cdk/timers";
import * as management from "../../../generated/clients/management/client";
import { CanisterId, CreateCanisterArgs, InstallCodeArgs, InstallMode } from "../../../generated/clients/management/types";
import { encodeInitArgs as encodeGroupInit, InitArgs as GroupInit } from "../../../generated/group/types";
import { encodeInitArgs as encodeUserInit, InitArgs as UserInit } from "../../../generated/user/types";
import * as user_index from "../../../generated/user_index/client";
import { addChild, Child, countChildren, DueChildren, findChild, Kind, KINDS, saveChild, State } from "../model/children";
import { currentModule, Module, moduleBytes } from "../model/modules";
import { dropStamp } from "../model/stamps";
import { RESERVE_CYCLES, settings, userIndex } from "../model/settings";

/** Children worked on at once (M1): a rolling batch. */
const MAX_TASKS: i32 = 4;

/** What a child begins with: the creation fee of 0.5 T and a balance to live on. */
const CREATION_CYCLES: u64 = 2_500_000_000_000;

/** After a step failed for a reason that may pass, the child waits this long, then twice as long … */
const RETRY_NANOS: u64 = 10_000_000_000;
/** … up to about ten minutes. */
const MAX_DOUBLINGS: u32 = 6;
/** Children that wait so. More of them are no accident of theirs: nothing is begun until some have waited. */
const MAX_WAITING: i32 = 100;
/** Looked at for one that is neither worked on nor waiting. */
const MAX_LOOK: i32 = MAX_TASKS + MAX_WAITING;

/** Looks for work that an unforeseen trap of the timer itself has left. */
const LOOK_NANOS: u64 = 600_000_000_000;

const MANAGEMENT = Principal.management();

// Heap only: after an upgrade nothing is under way and every child is looked at anew.
let tasks: i32 = 0;
let creating: StaticArray<i32> = new StaticArray<i32>(KINDS);
const busy = new Set<string>();
const waiting = new Map<string, Wait>();
const due: StaticArray<DueChildren> = [new DueChildren(Kind.User), new DueChildren(Kind.Group)];

class Wait {
  untilNanos: u64 = 0;
  doublings: u32 = 0;
}

class Task {
  /** Version that is being installed. */
  version: u32 = 0;
  /** Null while nothing has failed; a reject may come without words. */
  failure: string | null = null;
  /** A child in the making has no id yet. */
  constructor(
    public kind: u8,
    public id: Principal | null,
  ) {}

  get child(): Child {
    return findChild(this.canister)!;
  }

  get canister(): Principal {
    return this.id!;
  }
}

/** Looks for work soon, outside the present message. */
export function scheduleMaintenance(): void {
  setTimer(0, maintain);
}

/** Call in init and post_upgrade. */
export function keepMaintaining(): void {
  scheduleMaintenance();
  setTimerInterval(LOOK_NANOS, maintain);
}

function maintain(context: Object | null): void {
  // Counted, too: a task whose first call cannot be sent ends at once.
  for (let begun = 0; begun < MAX_TASKS && tasks < MAX_TASKS && beginOne(); begun++) {}
}

/** Begins one task; false when there is nothing to do. */
function beginOne(): bool {
  for (let kind: u8 = 0; kind < KINDS; kind++) {
    const module = currentModule(kind);
    if (module === null) continue;
    const child = freeChild(kind, module.version);
    if (child !== null) {
      if (child.state == State.Empty) install(child, module);
      else beginUpgrade(child, module);
      return true;
    }
  }
  for (let kind: u8 = 0; kind < KINDS; kind++) {
    if (currentModule(kind) === null) continue;
    const ready = countChildren(kind, State.Pool) + countChildren(kind, State.Empty) + creating[kind];
    if (ready < settings().poolTarget && liquidCycleBalance() >= RESERVE_CYCLES + CREATION_CYCLES) {
      create(kind);
      return true;
    }
  }
  return false;
}

/** A child that needs this version and can be worked on now, or null. */
function freeChild(kind: u8, version: u32): Child | null {
  if (waiting.size >= MAX_WAITING && !someHaveWaited()) return null;
  for (let i = 0; i < MAX_LOOK; i++) {
    const child = due[kind].next(version);
    if (child === null) return null;
    const name = child.principal.toText();
    if (!busy.has(name) && !isWaiting(name)) return child;
  }
  return null;
}

function isWaiting(name: string): bool {
  return waiting.has(name) && waiting.get(name).untilNanos > time();
}

function someHaveWaited(): bool {
  const waits = waiting.values();
  for (let i = 0; i < waits.length; i++) if (waits[i].untilNanos <= time()) return true;
  return false;
}

function begin(task: Task): void {
  tasks++;
  const id = task.id;
  if (id === null) creating[task.kind]++;
  else busy.add(id.toText());
}

function leave(task: Task): void {
  tasks--;
  const id = task.id;
  if (id === null) creating[task.kind]--;
  else busy.delete(id.toText());
}

function end(task: Task): void {
  leave(task);
  if (task.id !== null) waiting.delete(task.canister.toText());
  // In a message of its own: should looking for work trap, what this task has done stands.
  scheduleMaintenance();
}

/** Ends a task whose step failed for a reason that may pass, or trapped (M4). */
function endLater(context: Object | null): void {
  const task = changetype<Task>(context);
  leave(task);
  let delayNanos = RETRY_NANOS;
  if (task.id !== null) {
    const name = task.canister.toText();
    const wait = waiting.has(name) ? waiting.get(name) : new Wait();
    delayNanos <<= <u64>wait.doublings;
    wait.untilNanos = time() + delayNanos;
    wait.doublings = min(wait.doublings + 1, MAX_DOUBLINGS);
    waiting.set(name, wait);
    scheduleMaintenance();
  }
  setTimer(delayNanos, maintain);
}

// ── new children ────────────────────────────────────────────────────────────────────────────────────────────

function create(kind: u8): void {
  const task = new Task(kind, null);
  begin(task);
  // Without settings the creator, this canister, is the only controller.
  management.create_canister(MANAGEMENT, new CreateCanisterArgs(null)).cycles(CREATION_CYCLES).onTrap(endLater).perform(onCreated, onRejected, task);
}

function onCreated(context: Object | null): void {
  const task = changetype<Task>(context);
  const child = new Child();
  child.id = management.create_canister_reply().canister_id.bytes;
  child.kind = task.kind;
  addChild(child);
  end(task);
}

function onRejected(context: Object | null, rejection: Rejection): void {
  endLater(context);
}

function initArgument(kind: u8): Uint8Array {
  return kind == Kind.User ? encodeUserInit(new UserInit(userIndex(), self())) : encodeGroupInit(new GroupInit(userIndex(), self()));
}

function install(child: Child, module: Module): void {
  const task = new Task(child.kind, child.principal);
  task.version = module.version;
  begin(task);
  // Reinstall: an earlier attempt may have gone through without our learning of it; nothing can be lost yet.
  const args = new InstallCodeArgs(InstallMode.reinstall(), task.canister, moduleBytes(child.kind, module), initArgument(child.kind));
  management.install_code(MANAGEMENT, args).onTrap(endLater).perform(onInstalled, onRejected, task);
}

function onInstalled(context: Object | null): void {
  const task = changetype<Task>(context);
  const child = task.child;
  // A group is known to be one before it can be found in the pool.
  if (child.kind == Kind.User) return intoPool(task);
  // Others can tell a real group from a false one only once the user index knows it.
  user_index.c2c_register_groups(userIndex(), [task.canister]).onTrap(endLater).perform(onRegistered, onRejected, task);
}

function onRegistered(context: Object | null): void {
  intoPool(changetype<Task>(context));
}

function intoPool(task: Task): void {
  const child = task.child;
  child.version = task.version;
  if (child.state == State.Empty) child.state = State.Pool;
  saveChild(child);
  end(task);
}

// ── upgrades ────────────────────────────────────────────────────────────────────────────────────────────────

function beginUpgrade(child: Child, module: Module): void {
  const task = new Task(child.kind, child.principal);
  task.version = module.version;
  begin(task);
  management.stop_canister(MANAGEMENT, new CanisterId(task.canister)).onTrap(endLater).perform(onStopped, onUpgradeRejected, task);
}

function onStopped(context: Object | null): void {
  const task = changetype<Task>(context);
  const module = currentModule(task.kind)!;
  task.version = module.version;
  const args = new InstallCodeArgs(InstallMode.upgrade(null), task.canister, moduleBytes(task.kind, module), initArgument(task.kind));
  management.install_code(MANAGEMENT, args).onTrap(endLater).perform(onUpgraded, onUpgradeRejected, task);
}

function onUpgraded(context: Object | null): void {
  const task = changetype<Task>(context);
  // Its new module may be one that does not announce.
  dropStamp(task.canister);
  startAgain(task);
}

function onUpgradeRejected(context: Object | null, rejection: Rejection): void {
  const task = changetype<Task>(context);
  task.failure = rejection.message;
  startAgain(task);
}

function startAgain(task: Task): void {
  // Should this fail, it stays on the old version in our book, and is stopped, upgraded and started again.
  management.start_canister(MANAGEMENT, new CanisterId(task.canister)).onTrap(endLater).perform(onStarted, onRejected, task);
}

function onStarted(context: Object | null): void {
  const task = changetype<Task>(context);
  const child = task.child;
  const failure = task.failure;
  if (failure === null) {
    child.version = task.version;
    child.failedVersion = 0;
    child.failure = "";
  } else {
    child.failedVersion = task.version;
    child.failure = failure;
  }
  saveChild(child);
  end(task);
}
