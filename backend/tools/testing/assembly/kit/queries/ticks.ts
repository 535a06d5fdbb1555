import { ticked } from "../state";

export function ticks(): Array<string> { return ticked; }
