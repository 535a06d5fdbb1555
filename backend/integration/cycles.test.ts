// Children of a local index are kept in cycles before they run dry.

import { afterAll, beforeAll, expect, test } from "vitest";
import { ChatNetwork, Rejected, T } from "./chat-network.ts";

let network: ChatNetwork;
beforeAll(async () => {
  network = await ChatNetwork.start({ applicationSubnets: 1 });
});
afterAll(() => network.stop());

test("a child that runs low asks at its next look and is topped up; one that is well off is not", async () => {
  const [poor, rich] = [await network.person("poor_peter"), await network.person("rich_rita")];
  const stateOf = (id: string) => [...network.net.subnets[1]!.state!.canisters.values()].find((canister) => canister.id.toText() === id)!;
  const [low, high] = [stateOf(poor.id.toText()), stateOf(rich.id.toText())];
  low.balance = T / 2n;
  low.markDirty();
  const before = high.balance;
  await network.net.time.advance(6 * 3_600_000 + 1);
  await network.net.settle();
  expect(low.balance).toBeGreaterThan(2n * T);
  expect(high.balance).toBeLessThanOrEqual(before);
  const { topped_up_total } = await network.as(ChatNetwork.admin).local_index(network.localIndexes[0]!).status();
  expect(topped_up_total).toBe(2n * T);
});

test("nobody but a child is topped up", async () => {
  const local = network.as(network.stranger()).local_index(network.localIndexes[0]!);
  await expect(local.c2c_request_cycles()).rejects.toThrow(Rejected);
});
