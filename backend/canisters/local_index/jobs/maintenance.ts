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

import { liquidCycleBalance, self } from "../../../cdk/api";
import { Rejection } from "../../../cdk/calls";
import { Principal } from "../../../cdk/principal/principal";
import { setTimer } from "../../../cdk/timers";
import * as management from "../../../generated/clients/management/client";
import { CanisterId, CreateCanisterArgs, InstallCodeArgs, InstallMode } from "../../../generated/clients/management/types";
import { encodeInitArgs as encodeGroupInit, InitArgs as GroupInit } from "../../../generated/group/types";
import { encodeInitArgs as encodeUserInit, InitArgs as UserInit } from "../../../generated/user/types";
import * as user_index from "../../../generated/user_index/client";
import { addChild, Child, childAfter, countChildren, findChild, Kind, KINDS, moveChild, saveChild, State } from "../model/children";
import { currentModule, Module, moduleBytes } from "../model/modules";
import { RESERVE_CYCLES, settings, userIndex } from "../model/settings";

/** Children worked on at once (M1): a rolling batch. */
const MAX_TASKS: i32 = 4;

/** What a child begins with: the creation fee of 0.5 T and a balance to live on. */
const CREATION_CYCLES: u64 = 2_500_000_000_000;

/** After a step failed for a reason that may pass, the next round waits this long. */
const RETRY_NANOS: u64 = 10_000_000_000;

const MANAGEMENT = Principal.management();

/** Heap only: after an upgrade nothing is under way and every child is looked at anew. */
let tasks: i32 = 0;
let creating: StaticArray<i32> = new StaticArray<i32>(KINDS);
const busy = new Set<string>();

class Task {
  /** Version that is being installed. */
  version: u32 = 0;
  failure: string = "";
  constructor(
    public kind: u8,
    public id: Principal,
  ) {}
}

/** Looks for work soon, outside the present message. */
export function scheduleMaintenance(): void {
  setTimer(0, maintain);
}

function maintain(context: Object | null): void {
  while (tasks < MAX_TASKS && beginOne()) {}
}

/** Begins one task; false when there is nothing to do. */
function beginOne(): bool {
  let after = new Uint8Array(0);
  while (true) {
    const child = childAfter(after);
    if (child === null) break;
    after = child.id;
    const module = currentModule(child.kind);
    if (module === null || busy.has(child.principal.toText())) continue;
    if (child.state == State.Empty) {
      install(child, module);
      return true;
    }
    if (child.version < module.version && child.failedVersion != module.version) {
      beginUpgrade(child, module);
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

function begin(task: Task): void {
  tasks++;
  if (task.id.bytes.length > 0) busy.add(task.id.toText());
}

function end(task: Task): void {
  tasks--;
  if (task.id.bytes.length > 0) busy.delete(task.id.toText());
  // In a message of its own: should looking for work trap, what this task has done stands.
  scheduleMaintenance();
}

/** Ends a task whose step failed for a reason that may pass. */
function endLater(task: Task): void {
  tasks--;
  if (task.id.bytes.length > 0) busy.delete(task.id.toText());
  setTimer(RETRY_NANOS, maintain);
}

// ── new children ────────────────────────────────────────────────────────────────────────────────────────────

function create(kind: u8): void {
  const task = new Task(kind, MANAGEMENT);
  begin(task);
  creating[kind]++;
  // Without settings the creator, this canister, is the only controller.
  management.create_canister(MANAGEMENT, new CreateCanisterArgs(null)).cycles(CREATION_CYCLES).perform(onCreated, onCreateRejected, task);
}

function onCreated(context: Object | null): void {
  const task = changetype<Task>(context);
  creating[task.kind]--;
  const child = new Child();
  child.id = management.create_canister_reply().canister_id.bytes;
  child.kind = task.kind;
  addChild(child);
  end(task);
}

function onCreateRejected(context: Object | null, rejection: Rejection): void {
  const task = changetype<Task>(context);
  creating[task.kind]--;
  endLater(task);
}

function initArgument(kind: u8): Uint8Array {
  return kind == Kind.User ? encodeUserInit(new UserInit(userIndex(), self())) : encodeGroupInit(new GroupInit(userIndex(), self()));
}

function install(child: Child, module: Module): void {
  const task = new Task(child.kind, child.principal);
  task.version = module.version;
  begin(task);
  // Reinstall: an earlier attempt may have gone through without our learning of it; nothing can be lost yet.
  const args = new InstallCodeArgs(InstallMode.reinstall(), task.id, moduleBytes(child.kind, module), initArgument(child.kind));
  management.install_code(MANAGEMENT, args).perform(onInstalled, onInstallRejected, task);
}

function onInstalled(context: Object | null): void {
  const task = changetype<Task>(context);
  const child = findChild(task.id)!;
  child.version = task.version;
  saveChild(child);
  if (child.kind == Kind.User) return intoPool(task);
  // Others can tell a real group from a false one only once the user index knows it.
  user_index.c2c_register_groups(userIndex(), [task.id]).perform(onRegistered, onInstallRejected, task);
}

function onRegistered(context: Object | null): void {
  intoPool(changetype<Task>(context));
}

function intoPool(task: Task): void {
  const child = findChild(task.id)!;
  if (child.state == State.Empty) moveChild(child, State.Pool);
  end(task);
}

function onInstallRejected(context: Object | null, rejection: Rejection): void {
  endLater(changetype<Task>(context));
}

// ── upgrades ────────────────────────────────────────────────────────────────────────────────────────────────

function beginUpgrade(child: Child, module: Module): void {
  const task = new Task(child.kind, child.principal);
  task.version = module.version;
  begin(task);
  management.stop_canister(MANAGEMENT, new CanisterId(task.id)).perform(onStopped, onUpgradeRejected, task);
}

function onStopped(context: Object | null): void {
  const task = changetype<Task>(context);
  const module = currentModule(task.kind)!;
  task.version = module.version;
  const args = new InstallCodeArgs(InstallMode.upgrade(null), task.id, moduleBytes(task.kind, module), initArgument(task.kind));
  management.install_code(MANAGEMENT, args).perform(onUpgraded, onUpgradeRejected, task);
}

function onUpgraded(context: Object | null): void {
  startAgain(changetype<Task>(context));
}

function onUpgradeRejected(context: Object | null, rejection: Rejection): void {
  const task = changetype<Task>(context);
  task.failure = rejection.message;
  startAgain(task);
}

function startAgain(task: Task): void {
  management.start_canister(MANAGEMENT, new CanisterId(task.id)).perform(onStarted, onStartRejected, task);
}

function onStarted(context: Object | null): void {
  const task = changetype<Task>(context);
  const child = findChild(task.id)!;
  if (task.failure.length == 0) {
    child.version = task.version;
    child.failedVersion = 0;
    child.failure = "";
  } else {
    child.failedVersion = task.version;
    child.failure = task.failure;
  }
  saveChild(child);
  end(task);
}

function onStartRejected(context: Object | null, rejection: Rejection): void {
  // It stays on the old version in our book, so the next round stops, upgrades and starts it again.
  endLater(changetype<Task>(context));
}
