import { trap } from "../../../../cdk/api";
import * as ic0 from "../../../../cdk/ic0";

/** A line of its own for each kind: the tests name them. */
export function failing(kind: u32): u32 {
  const list: Array<u32> = [1, 2, 3];
  switch (kind) {
    case 0: return divide(10, kind);
    case 1: unreachable();
    case 2: return load<u32>(0xffff_0000);
    case 3: store<u64>(0xffff_0000, 1); break;
    case 4: memory.copy(0xffff_0000, 0, 100); break;
    case 5: return call_indirect<u32>(mostlyNothing.index, 1, 2, 3);
    case 6: return call_indirect<u32>(60_000);
    case 7: return descend(kind);
    case 8: for (;;) spin++;
    case 9: memory.fill(0, 0, 0x7fff_ffff); break;
    case 10: trap("on purpose"); break;
    case 11: assert(kind == 0, "an assertion"); break;
    case 12: return list[kind];
    case 13: throw new Error("a throw");
    case 14: ic0.stable64_write(1 << 40, 0, 1); break;
    case 15: ic0.msg_reply_data_append(0xffff_0000, 100); break;
    case 16: ic0.accept_message(); break;
  }
  return kind;
}

export let spin: u32 = 0;

function mostlyNothing(): void { spin++; }

function divide(a: u32, b: u32): u32 {
  return a / b;
}

function descend(n: u32): u32 {
  return descend(n + spin) + descend(n + 1);
}
