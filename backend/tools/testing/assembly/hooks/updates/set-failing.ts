import { counts } from "../state";

export function set_failing(failing: bool): void { counts.failing = failing; }
