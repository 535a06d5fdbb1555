/** The same as `abort` without file and line: what a module built for size uses. */
import * as ic0 from "./ic0";
import { utf8Into } from "./candid/writer";

export function abort(message: string | null, fileName: string | null, line: u32, column: u32): void {
  const text = message === null ? "aborted" : message;
  const buffer = heap.alloc(<usize>text.length * 3 + 1);
  ic0.trap(buffer, utf8Into(changetype<usize>(text), <usize>text.length, buffer));
  unreachable();
}
