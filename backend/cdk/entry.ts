/**
 * What happens around every entry point that keeps its effects: work that was put off until the
 * handler is done, then garbage collection, here and nowhere else, because here no pointer is on
 * the stack.
 */

/** Heap growth, in 64 KiB pages, that makes a collection worth its cost. */
const SLACK_PAGES: i32 = 16;

/** Pages of Wasm memory after the last collection. */
let pagesAfterCollection: i32 = 0;

type Task = () => void;
const endTasks: Array<Task> = new Array<Task>();
const upgradeTasks: Array<Task> = new Array<Task>();

/** Runs `task` at the end of every entry point and callback that keeps its effects. For the kit's own modules. */
export function atEnd(task: Task): void { endTasks.push(task); }

/** Runs `task` after each upgrade, before the canister's own post_upgrade. For the kit's own modules. */
export function afterUpgrade(task: Task): void { upgradeTasks.push(task); }

/** Called by the generated post_upgrade. */
export function upgraded(): void {
  for (let i = 0; i < upgradeTasks.length; i++) unchecked(upgradeTasks[i])();
}

/**
 * Collects when the heap has grown by a quarter, and at least 1 MiB, since the last collection.
 * A collection walks all live objects, so this keeps its cost in proportion to what was allocated:
 * between collections the allocator reuses nothing but what the previous one freed.
 */
export function finish(): void {
  for (let i = 0; i < endTasks.length; i++) unchecked(endTasks[i])();
  const pages = memory.size();
  if (pagesAfterCollection == 0) pagesAfterCollection = pages;
  if (pages < pagesAfterCollection + SLACK_PAGES + (pagesAfterCollection >> 2)) return;
  __collect();
  pagesAfterCollection = memory.size();
}
