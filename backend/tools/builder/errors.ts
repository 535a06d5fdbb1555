/** A build that failed for a reason that the author of the canister can mend: the message says it all. */
export class BuildError extends Error {}
