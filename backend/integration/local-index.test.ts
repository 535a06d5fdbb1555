// The local index's work on its children, with everything around it played by hand.

import { describe, expect, test, vi } from "vitest";
import type { OutgoingCall } from "../../replica/execution/wasm/types.ts";
import { MeteredLocalIndex } from "./metered-local-index.ts";

vi.setConfig({ testTimeout: 120_000 }); // enough on a loaded machine

/** The smallest modules; they run nowhere here. */
const EMPTY = Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0);
const EMPTY_AGAIN = Uint8Array.of(...EMPTY, 0, 1, 0);

function filled(children: number): MeteredLocalIndex {
  const index = new MeteredLocalIndex(children);
  index.activate("User", 1, EMPTY);
  index.run();
  expect(index.status("User").pool).toBe(children);
  return index;
}

describe("a step that traps", () => {
  test("gives its place back: the pool is filled all the same", () => {
    const index = new MeteredLocalIndex(3);
    index.activate("User", 1, EMPTY);
    let garbled = 0;
    index.run((call) => {
      // As many as there are places.
      if (call.method !== "create_canister" || garbled === 4) return index.usual(call);
      garbled++;
      return { reply: Uint8Array.of(1, 2, 3) };
    });
    expect(garbled).toBeGreaterThan(0);
    for (let i = 0; i < 10; i++) {
      index.advance(10);
      index.run();
    }
    expect(index.status("User").pool).toBe(3);
  });
});

describe("a child that cannot be upgraded for a reason that may pass", () => {
  test("does not keep the others waiting, is tried less and less often, and gets there in the end", () => {
    const index = filled(12);
    const poor = (call: OutgoingCall): string => Buffer.from(call.payload.slice(-10)).toString("hex");
    let stubborn: string | undefined;
    const tried: number[] = [];
    let seconds = 0;
    let healed = false;
    const answers = (call: OutgoingCall) => {
      if (call.method === "stop_canister") stubborn ??= poor(call);
      if (call.method !== "start_canister" || poor(call) !== stubborn || healed) return index.usual(call);
      tried.push(seconds);
      return { reject: "the subnet is busy" };
    };
    index.activate("User", 2, EMPTY_AGAIN);
    index.run(answers);
    expect(index.status("User").outdated).toBe(1);
    for (; seconds < 200; seconds += 10) {
      index.advance(10);
      index.run(answers);
    }
    expect(tried).toEqual([0, 0, 20, 60, 140]);
    healed = true;
    for (; seconds < 400; seconds += 10) {
      index.advance(10);
      index.run(answers);
    }
    expect(index.status("User")).toMatchObject({ outdated: 0, upgrades_failed: 0, pool: 12 });
  });

  test("makes nobody hurry when it is the same with all of them", () => {
    const index = filled(300);
    let stops = 0;
    const answers = (call: OutgoingCall) => {
      if (call.method === "stop_canister") stops++;
      return call.method === "start_canister" ? { reject: "the subnet is busy" } : index.usual(call);
    };
    index.activate("User", 2, EMPTY_AGAIN);
    index.run(answers);
    expect(stops).toBeLessThanOrEqual(104);
    for (let i = 0; i < 120; i++) {
      index.advance(10);
      index.run();
    }
    expect(index.status("User").outdated).toBe(0);
  });
});

describe("a child that refuses its upgrade", () => {
  test("is told, left alone, and tried again when asked; the next version reaches it too", () => {
    const index = filled(8);
    let refused = 0;
    const answers = (call: OutgoingCall) => (call.method === "install_code" && refused++ < 2 ? { reject: "it does not fit" } : index.usual(call));
    index.activate("User", 2, EMPTY_AGAIN);
    index.run(answers);
    expect(index.status("User")).toMatchObject({ outdated: 2, upgrades_failed: 2 });
    index.advance(3_600);
    index.run();
    expect(index.status("User")).toMatchObject({ outdated: 2, upgrades_failed: 2 });
    expect(index.as(index.controller, "retry_failed_upgrades")).toBeUndefined();
    refused = 1;
    index.run(answers);
    expect(index.status("User")).toMatchObject({ outdated: 1, upgrades_failed: 1 });
    index.activate("User", 3, EMPTY);
    index.run();
    expect(index.status("User")).toMatchObject({ outdated: 0, upgrades_failed: 0, version: 3 });
  });
});

test("no message costs more because there are more children", () => {
  const dearest = [100, 2_000].map((children) => {
    const index = filled(children);
    index.dearest = 0n;
    index.activate("User", 2, EMPTY_AGAIN);
    index.run();
    expect(index.status("User").outdated).toBe(0);
    return Number(index.dearest);
  });
  expect(dearest[1]! / dearest[0]!).toBeLessThan(1.3);
});
