import { outbox } from "../state";

export function dead_letters(): u64 { return outbox.deadLetters; }
