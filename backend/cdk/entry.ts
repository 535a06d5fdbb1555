/**
 * What happens around every entry point that keeps its effects: work that was put off until the
 * handler is done, then garbage collection, here and nowhere else, because here no pointer is on
 * the stack.
 */

type Task = () => void;
const endTasks: Array<Task> = new Array<Task>();
const upgradeTasks: Array<Task> = new Array<Task>();

/** Runs `task` at the end of every entry point and callback that keeps its effects; of init and post_upgrade too, where no call can be made. */
export function atEnd(task: Task): void { endTasks.push(task); }

/** Runs `task` after each upgrade, before the canister's own post_upgrade. For the kit's own modules. */
export function afterUpgrade(task: Task): void { upgradeTasks.push(task); }

/** Called by the generated post_upgrade. */
export function upgraded(): void {
  for (let i = 0; i < upgradeTasks.length; i++) unchecked(upgradeTasks[i])();
}

/** Ends an entry point: put-off work, then the heap forgets what nobody kept (see runtime.ts). */
export function finish(): void {
  for (let i = 0; i < endTasks.length; i++) unchecked(endTasks[i])();
  __collect();
}
