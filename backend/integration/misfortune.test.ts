// What must not go wrong when a step comes late, comes twice, or finds somebody else's work.

import { IDL } from "@dfinity/candid";
import { Principal } from "@dfinity/principal";
import { afterEach, expect, test } from "vitest";
import { Metered } from "../tools/bench/meter.ts";
import { ChatNetwork, encodeInit, errorOf, method, moduleOf, ok, T } from "./chat-network.ts";

let network: ChatNetwork | undefined;
afterEach(async () => {
  await network?.stop();
  network = undefined;
});

test("a pooled canister that refuses its owner is set aside, and the next one serves", async () => {
  network = await ChatNetwork.start({ poolTarget: 1, applicationSubnets: 1 });
  const home = Principal.fromText(network.localIndexes[0]!);
  const elsewhere = encodeInit("user", [{ user_index: Principal.fromText(network.userIndex), local_index: network.stranger() }]);
  for (const child of network.net.subnets[1]!.state!.canisters.keys()) {
    const id = Principal.fromHex(child);
    if (id.toText() !== home.toText()) await network.net.install(id, moduleOf("user"), elsewhere, { mode: "reinstall", sender: home });
  }
  const index = network.as(network.stranger()).user_index(network.userIndex);
  expect(errorOf(await index.register_user({ username: "ann_anders" }))).toBe("Unavailable");
  await network.net.settle();
  ok(await index.register_user({ username: "ann_anders" }));
});

test("pools are not filled out of the cycles that are kept for upgrades", async () => {
  network = await ChatNetwork.start({ poolTarget: 2, applicationSubnets: 1 });
  const home = network.localIndexes[0]!;
  const localIndex = [...network.net.subnets[1]!.state!.canisters.values()].find((canister) => canister.id.toText() === home)!;
  localIndex.balance = 13n * T;
  const registered: string[] = [];
  for (let i = 0; i < 6; i++) {
    const index = network.as(network.stranger()).user_index(network.userIndex);
    if ("Ok" in (await index.register_user({ username: `person_${i}` }))) registered.push(`person_${i}`);
    await network.net.settle();
  }
  // The two of the pool and the one that 13 T allow.
  expect(registered).toHaveLength(3);
  expect(localIndex.balance).toBeGreaterThan(10n * T);
});

test("a registration that is begun again under another name gives that name everywhere", async () => {
  network = await ChatNetwork.start({ applicationSubnets: 1 });
  const owner = network.stranger();
  // The first attempt reached the canister, and its answer was lost on the way to the user index.
  const asIndex = network.as(Principal.fromText(network.userIndex)).local_index(network.localIndexes[0]!);
  const { user_id } = ok(await asIndex.c2c_create_user({ owner, username: "first_name" }));
  const account = ok(await network.as(owner).user_index(network.userIndex).register_user({ username: "second_name" }));
  expect(account.user_id.toText()).toBe(user_id.toText());
  const [told] = await network.as(owner).user(user_id).updates({ since: 0n, on_behalf_of: [] });
  expect(told?.profile[0]?.username).toBe("second_name");
});

test("first contacts of strangers, held until the user index has answered, take little memory", () => {
  const encode = (name: string, arg: unknown): Uint8Array => new Uint8Array(IDL.encode(method("user", name).argTypes, [arg]));
  const [home, them] = [7, 9].map((n) => Principal.fromUint8Array(Uint8Array.of(0, 0, 0, 0, 0, 0, 0, n, 1, 1))) as [Principal, Principal];
  const user = Metered.install(moduleOf("user"), encodeInit("user", [{ user_index: home, local_index: home }]));
  user.caller = home.toUint8Array();
  user.update("c2c_claim", encode("c2c_claim", { owner: Principal.selfAuthenticating(new Uint8Array([1])), username: "somebody" }));
  const envelope = (id: bigint, text: string) => ({ timestamp: 1n, action: { Message: { message_id: id, text, replies_to: [] } } });
  user.caller = them.toUint8Array();
  const deliver = (envelopes: ReturnType<typeof envelope>[]) =>
    user.attempt({ kind: "update", method: "c2c_deliver" }, encode("c2c_deliver", { first: 0n, envelopes })).delta!;
  const many = Array.from({ length: 40 }, (_, i) => envelope(BigInt(i), "x".repeat(10_000)));
  const open = Array.from({ length: 60 }, () => deliver(many).calls[0]!);
  // Held whole, they would take 48 MB.
  expect(user.heapBytes).toBeLessThan(16_000_000);
  expect(deliver([envelope(1n, "x".repeat(1_000_000))]).response?.kind).toBe("reject");

  // What was let go comes again: the answer says that only the first was taken.
  const summary = { user_id: them, username: "somebody_else", display_name: [], local_index: home };
  const reply = new Uint8Array(IDL.encode(method("user_index", "c2c_lookup_user").retTypes, [[summary]]));
  const delivered = user.run({ kind: "replyCallback", closure: open[0]!.onReply }, reply).reply;
  expect(IDL.decode(method("user", "c2c_deliver").retTypes, delivered)[0]).toEqual({ next: 1n, dropped: [] });
});

test("an answer that comes after the registration was begun again makes no second account", () => {
  const encode = (kind: "user_index" | "local_index", name: string, arg: unknown): Uint8Array => new Uint8Array(IDL.encode(method(kind, name).argTypes, [arg]));
  const index = Metered.install(moduleOf("user_index"), encodeInit("user_index", [{ governance: [], registrations: [] }]));
  const localIndex = Principal.fromUint8Array(Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 7, 1, 1));
  const created = new Uint8Array(IDL.encode(method("local_index", "c2c_create_user").retTypes, [{ Ok: { user_id: Principal.fromUint8Array(Uint8Array.of(5, 1, 1)) } }]));
  index.update("add_local_index", encode("user_index", "add_local_index", localIndex));
  index.caller = Principal.selfAuthenticating(new Uint8Array([1])).toUint8Array();
  const attempt = (username: string) => index.attempt({ kind: "update", method: "register_user" }, encode("user_index", "register_user", { username })).delta!.calls[0]!;
  const answer = (call: ReturnType<typeof attempt>): object =>
    IDL.decode(method("user_index", "register_user").retTypes, index.run({ kind: "replyCallback", closure: call.onReply }, created).reply)[0] as unknown as object;

  const first = attempt("first_name");
  index.timeNanos += 120_000_000_000n;
  const second = attempt("second_name");
  expect(errorOf(answer(first))).toBe("InProgress");
  expect(ok(answer(second) as { Ok: { username: string } }).username).toBe("second_name");
  index.caller = Principal.selfAuthenticating(new Uint8Array([2])).toUint8Array();
  const check = index.query("check_username", encode("user_index", "check_username", "first_name")).reply;
  expect(IDL.decode(method("user_index", "check_username").retTypes, check)[0]).toEqual({ Ok: null });
});
