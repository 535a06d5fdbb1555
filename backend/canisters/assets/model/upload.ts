// One chunk of an upload as it comes from a caller.

import { time, trap } from "../../../cdk/api";
import { Nat } from "../../../cdk/candid/nat";
import { addChunk, touchBatch } from "./uploads";

/** The batch's number, if it is there; traps otherwise. */
export function batchNumber(id: Nat): u64 {
  const number = id.fitsU64 ? id.toU64() : 0;
  if (!touchBatch(number, time())) trap("batch not found: " + id.toString());
  return number;
}

/** Stores a chunk; its number. Traps when there is no such batch or too much is waiting. */
export function upload(batch: Nat, content: Uint8Array): u64 {
  const number = addChunk(batchNumber(batch), content);
  if (number == 0) trap("too many bytes are waiting to be committed");
  return number;
}
