/**
 * What AssemblyScript calls for a failed assertion, an index out of range or a `throw`: a trap
 * whose text says what and where.
 */
import * as ic0 from "./ic0";
import { utf8Into } from "./candid/writer";

export function abort(message: string | null, fileName: string | null, line: u32, column: u32): void {
  let text = message === null ? "aborted" : message;
  if (fileName !== null) text += " at " + fileName + ":" + line.toString() + ":" + column.toString();
  const buffer = heap.alloc(<usize>text.length * 3 + 1);
  ic0.trap(buffer, utf8Into(changetype<usize>(text), <usize>text.length, buffer));
  unreachable();
}
