import { Principal } from "./principal/principal";
/** The declared result of a handler that answers later, in a continuation. */
export type Later = void;
export class Call {
  constructor(readonly callee: Principal) {}
}
export function startCall(callee: Principal, name: usize, nameSize: i32): Call { return new Call(callee); }
