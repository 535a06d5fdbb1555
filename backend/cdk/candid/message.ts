/**
 * The way in and out of an entry point: opens the arguments for generated decoders, sends what
 * generated encoders wrote.
 */
import * as ic0 from "../ic0";
import * as reader from "./reader";
import * as writer from "./writer";
import { coerceMessage } from "./coerce";

/** Are `size` bytes at `a` and `b` the same? */
function same(a: usize, b: usize, size: usize): bool {
  while (size >= 8) {
    if (load<u64>(a) != load<u64>(b)) return false;
    a += 8;
    b += 8;
    size -= 8;
  }
  while (size > 0) {
    if (load<u8>(a++) != load<u8>(b++)) return false;
    size--;
  }
  return true;
}

/** Opens a message that lies in `buffer`; `header` is the one this canister would have written. */
function open(buffer: ArrayBuffer, offset: usize, size: usize, header: usize, headerSize: usize): void {
  const p = changetype<usize>(buffer) + offset;
  if (size >= headerSize && same(p, header, headerSize)) {
    reader.open(buffer, offset + headerSize, size - headerSize);
  } else {
    reader.open(buffer, offset, size);
    coerceMessage(size, header, headerSize);
  }
}

/** Opens this message's argument (in a reply callback: the reply). */
export function openArgument(header: usize, headerSize: usize): void {
  const size = ic0.msg_arg_data_size();
  const buffer = changetype<ArrayBuffer>(__new(size, idof<ArrayBuffer>()));
  ic0.msg_arg_data_copy(changetype<usize>(buffer), 0, size);
  open(buffer, 0, size, header, headerSize);
}

/** Opens a Candid message held in a blob. */
export function openBytes(bytes: Uint8Array, header: usize, headerSize: usize): void {
  open(bytes.buffer, bytes.dataStart - changetype<usize>(bytes.buffer), bytes.byteLength, header, headerSize);
}

/** Answers the call with what the writer holds. */
export function sendReply(): void {
  ic0.msg_reply_data_append(writer.start(), writer.size());
  ic0.msg_reply();
}
