import { isForCanisters } from "../../../../../cdk/guards";

export function inspect_message(method: string): bool { return !isForCanisters(method); }
