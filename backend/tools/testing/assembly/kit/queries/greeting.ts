import { greetingCell } from "../state";

export function greeting(): string { return greetingCell.get(); }
