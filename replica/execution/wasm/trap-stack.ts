/**
 * The host's stack at a trap, as V8 writes it: taken only while somebody wants to know.
 */

/** Frames kept: enough to see who called whom; a runaway recursion is longer. */
export const MAX_FRAMES = 50
/** Frames of the host above the canister's: the System API's. */
const HOST_FRAMES = 14

let tracing = false

export function isTracing(): boolean {
  return tracing
}

/** Runs something; what it throws knows the stack. */
export function traced(run: () => void): void {
  const limit = Error.stackTraceLimit
  Error.stackTraceLimit = MAX_FRAMES + HOST_FRAMES
  tracing = true
  try {
    run()
  } finally {
    tracing = false
    Error.stackTraceLimit = limit
  }
}

/** V8's text of a thrown thing's stack, whatever else formats stacks in this process; empty if it has none. */
export function stackOf(thrown: unknown): string {
  const format = Error.prepareStackTrace
  delete (Error as { prepareStackTrace?: unknown }).prepareStackTrace
  try {
    return (thrown as { stack?: string } | null)?.stack ?? ''
  } finally {
    if (format) Error.prepareStackTrace = format
  }
}
