import { openCalls } from "../../../../../cdk/calls";

export function open_calls(): u32 { return openCalls(); }
