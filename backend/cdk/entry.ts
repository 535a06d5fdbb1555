/**
 * What happens at the end of every entry point that keeps its effects: garbage is collected, here
 * and nowhere else, because here no pointer is on the stack.
 */

/** Heap growth, in 64 KiB pages, that makes a collection worth its cost. */
const SLACK_PAGES: i32 = 16;

/** Pages of Wasm memory after the last collection. */
let pagesAfterCollection: i32 = 0;

/**
 * Collects when the heap has grown by a quarter, and at least 1 MiB, since the last collection.
 * A collection walks all live objects, so this keeps its cost in proportion to what was allocated:
 * between collections the allocator reuses nothing but what the previous one freed.
 */
export function finish(): void {
  const pages = memory.size();
  if (pagesAfterCollection == 0) pagesAfterCollection = pages;
  if (pages < pagesAfterCollection + SLACK_PAGES + (pagesAfterCollection >> 2)) return;
  __collect();
  pagesAfterCollection = memory.size();
}
