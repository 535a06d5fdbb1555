import { Principal } from "../../../../../cdk/principal/principal";
import { outbox } from "../state";

export function waiting(to: Principal): u32 { return outbox.waiting(to); }
