import * as reader from "./reader";
import * as writer from "./writer";
import { Principal } from "../principal/principal";

/** A reference to a public method of a canister: a value of a Candid func type. */
export class Func {
  constructor(public canister: Principal, public method: string) {}
}

export function readFunc(): Func {
  reader.readFuncTag();
  const canister = new Principal(reader.readPrincipalBytes());
  return new Func(canister, reader.readText());
}

export function writeFunc(value: Func): void {
  writer.writeU8(1);
  writer.writePrincipalBytes(value.canister.bytes);
  writer.writeText(value.method);
}
