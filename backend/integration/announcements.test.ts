// The local index's summary: groups that have nothing new for somebody are not asked, and nothing that they have stays
// unseen. A group that is stopped shows whether it was asked: then it is unavailable.

import { IDL } from "@dfinity/candid";
import { Principal } from "@dfinity/principal";
import { afterEach, describe, expect, test, vi } from "vitest";
import type { EntryPoint, OutgoingCall } from "../../replica/execution/wasm/types.ts";
import { Metered } from "../tools/bench/meter.ts";
import { ChatNetwork, encodeInit, messageId, method, moduleOf, ok, type Person, Rejected } from "./chat-network.ts";

vi.setConfig({ testTimeout: 120_000 }); // enough on a loaded machine

let network: ChatNetwork | undefined;
afterEach(async () => {
  await network?.stop();
  network = undefined;
});

/** The module of a release that knew nothing of announcements: what the method is called now, it has not, and calls another. */
function unannounced(name: "group" | "local_index"): Uint8Array {
  const wasm = Buffer.from(moduleOf(name));
  let found = 0;
  for (let at = wasm.indexOf("c2c_announce"); at >= 0; at = wasm.indexOf("c2c_announce", at)) {
    wasm.write("c2c_unheard_", at);
    found++;
  }
  if (found === 0) throw new Error(`${name} has no announcements`);
  return Uint8Array.from(wasm);
}

type Known = [Principal, bigint, [] | [bigint]];

class Room {
  readonly network: ChatNetwork;
  readonly ann: Person;
  readonly bob: Person;
  readonly id: Principal;
  private constructor(network: ChatNetwork, ann: Person, bob: Person, id: Principal) {
    this.network = network;
    this.ann = ann;
    this.bob = bob;
    this.id = id;
  }

  static async make(): Promise<Room> {
    network ??= await ChatNetwork.start({ applicationSubnets: 1 });
    const ann = await network.person("ann_anders");
    const bob = await network.person("bob_builder");
    await network.net.settle();
    const id = await ann.createGroup("Climbers", [bob]);
    await network.net.settle();
    ok(await bob.user.accept_invite(id));
    await network.net.settle();
    return new Room(network, ann, bob, id);
  }

  get home(): string {
    return this.network.localIndexes[0]!;
  }

  /** What a client holds after it has asked for everything. */
  async known(who: Person): Promise<Known> {
    const { version, stamp } = (await who.sync(this.home, { groups: [[this.id, 0n]] })).groups.get(this.id.toText())!;
    return [this.id, version, stamp];
  }

  /** What a client with `known` is told: news, a failure, or nothing. */
  async told(who: Person, known: Known): Promise<string> {
    const { groups, failed } = await who.sync(this.home, { groups: [known] });
    return groups.has(this.id.toText()) ? "news" : (failed.get(this.id.toText()) ?? "nothing");
  }

  async isAsked(who: Person, known: Known): Promise<boolean> {
    await this.network.power("stop", this.id, Principal.fromText(this.home));
    const told = await this.told(who, known);
    await this.network.power("start", this.id, Principal.fromText(this.home));
    return told === "Unavailable";
  }

  async powerIndex(way: "stop" | "start"): Promise<void> {
    await this.network.power(way, this.home, ChatNetwork.admin);
  }

  async installIndex(wasm: Uint8Array): Promise<void> {
    await this.powerIndex("stop");
    const arg = encodeInit("local_index", [{ user_index: Principal.fromText(this.network.userIndex), pool_target: 3 }]);
    await this.network.net.install(this.home, wasm, arg, { mode: "upgrade", sender: ChatNetwork.admin });
    await this.powerIndex("start");
  }
}

describe("a member who has everything", () => {
  test("costs the group nothing, and without the stamp asks it all the same", async () => {
    const room = await Room.make();
    const known = await room.known(room.bob);
    expect(await room.told(room.bob, known)).toBe("nothing");
    expect(await room.isAsked(room.bob, known)).toBe(false);
    expect(await room.isAsked(room.bob, [known[0], known[1], []])).toBe(true);
  });

  test("is told of every kind of change", async () => {
    const room = await Room.make();
    const { ann, bob, id } = room;
    const cat = await room.network.person("cat_clever");
    const message_id = messageId();
    const changes: [string, () => Promise<unknown>][] = [
      ["a message", () => ann.sayInGroup(id, "hello", message_id)],
      ["an edit", () => ann.group(id).edit_message({ message_id, text: "hello!" })],
      ["a reaction", () => ann.group(id).react({ message_id, reaction: "👍", add: true })],
      ["a reaction taken back", () => ann.group(id).react({ message_id, reaction: "👍", add: false })],
      ["a deletion", () => ann.group(id).delete_message({ message_id })],
      ["a new name", () => ann.group(id).update_group({ name: "Hikers", description: "" })],
      ["a new description", () => ann.group(id).update_group({ name: "Hikers", description: "slow" })],
      ["an invitation", () => ann.group(id).invite_users([cat.id])],
      ["an invitation declined", () => cat.user.decline_invite(id)],
      ["another invitation", () => ann.group(id).invite_users([cat.id])],
      ["an invitation taken back", () => ann.group(id).remove_member(cat.id)],
      ["a third invitation", () => ann.group(id).invite_users([cat.id])],
      ["a newcomer", () => cat.user.accept_invite(id)],
      ["a new role", () => ann.group(id).change_role({ user_id: cat.id, role: { Admin: null } })],
      ["somebody who leaves", () => cat.user.leave_group(id)],
    ];
    for (const [what, change] of changes) {
      await room.network.net.settle();
      const known = await room.known(bob);
      expect(await room.told(bob, known), `before ${what}`).toBe("nothing");
      const outcome = await change();
      if (typeof outcome === "object") ok(outcome as { Ok: unknown });
      await room.network.net.settle();
      expect(await room.told(bob, known), what).toBe("news");
    }
    const known = await room.known(bob);
    ok(await ann.group(id).remove_member(bob.id));
    await room.network.net.settle();
    expect(await room.told(bob, known)).toBe("NotMember");
  });
});

test("strangers are told the same, whatever goes on and whatever they claim to have", async () => {
  const room = await Room.make();
  const dan = await room.network.person("dan_daring");
  const claims: Known[] = [0n, 1n, 5n, 2n ** 64n - 1n].flatMap((number): Known[] => [[room.id, number, []], [room.id, number, [number]], [room.id, 0n, [number]]]);
  const [, version, [stamp]] = await room.known(room.bob);
  claims.push([room.id, version, [version]], [room.id, version, [stamp! ^ 1n]]);
  const answers = async (): Promise<string[]> => Promise.all(claims.map((claim) => room.told(dan, claim)));
  const quiet = await answers();
  expect(new Set(quiet)).toEqual(new Set(["NotMember"]));
  await room.ann.sayInGroup(room.id, "news");
  expect(await answers()).toEqual(quiet);
  await room.network.net.settle();
  expect(await answers()).toEqual(quiet);
});

describe("nothing stays unseen", () => {
  test("when the local index was stopped meanwhile", async () => {
    const room = await Room.make();
    const known = await room.known(room.bob);
    await room.powerIndex("stop");
    await room.ann.sayInGroup(room.id, "while nobody listens");
    await room.network.net.time.advance(10_000);
    await expect(room.told(room.bob, known)).rejects.toThrow(Rejected);
    await room.powerIndex("start");
    // No longer than it was away.
    await room.network.net.time.advance(12_000);
    expect(await room.told(room.bob, known)).toBe("news");
    expect(await room.isAsked(room.bob, await room.known(room.bob))).toBe(false);
  });

  test("when the next change comes after a failed announcement: it does not wait", async () => {
    const room = await Room.make();
    const known = await room.known(room.bob);
    await room.powerIndex("stop");
    await room.ann.sayInGroup(room.id, "one");
    await room.network.net.time.advance(600_000);
    await room.powerIndex("start");
    await room.ann.sayInGroup(room.id, "two");
    await room.network.net.tick(3);
    expect(await room.told(room.bob, known)).toBe("news");
  });

  test("when the local index or the group is upgraded", async () => {
    const room = await Room.make();
    let known = await room.known(room.bob);
    await room.installIndex(moduleOf("local_index"));
    expect(await room.isAsked(room.bob, known)).toBe(false);
    await room.ann.sayInGroup(room.id, "after the local index");
    await room.network.net.settle();
    expect(await room.told(room.bob, known)).toBe("news");

    known = await room.known(room.bob);
    await room.network.release("group");
    await room.network.net.settle();
    expect((await room.network.as(ChatNetwork.admin).local_index(room.home).status()).children.map((kind) => kind.outdated)).toEqual([0, 0]);
    expect(await room.told(room.bob, known)).toBe("nothing");
    expect(await room.isAsked(room.bob, known)).toBe(false);
    await room.ann.sayInGroup(room.id, "after the group");
    await room.network.net.settle();
    expect(await room.told(room.bob, known)).toBe("news");
  });
});

describe("in a rolling upgrade", () => {
  test("a new group of an old local index is asked as ever, and announces to the new one", async () => {
    network = await ChatNetwork.start({ applicationSubnets: 1, modules: { local_index: unannounced("local_index") } });
    const room = await Room.make();
    const known = await room.known(room.bob);
    expect(await room.isAsked(room.bob, known)).toBe(true);
    await room.ann.sayInGroup(room.id, "news");
    expect(await room.told(room.bob, known)).toBe("news");
    await room.installIndex(moduleOf("local_index"));
    await room.network.net.time.advance(300_000);
    const later = await room.known(room.bob);
    expect(await room.isAsked(room.bob, later)).toBe(false);
  });

  test("an old group of a new local index is asked as ever, and is not any more when it is upgraded", async () => {
    network = await ChatNetwork.start({ applicationSubnets: 1, modules: { group: unannounced("group") } });
    const room = await Room.make();
    const known = await room.known(room.bob);
    expect(await room.isAsked(room.bob, known)).toBe(true);
    await room.ann.sayInGroup(room.id, "news");
    expect(await room.told(room.bob, known)).toBe("news");
    await room.network.release("group");
    await room.network.net.settle();
    expect(await room.isAsked(room.bob, await room.known(room.bob))).toBe(false);
  });

  test("a group that goes back to a release without announcements is asked again", async () => {
    const room = await Room.make();
    await room.network.activate(room.home, "group", unannounced("group"), 1_000);
    await room.network.net.settle();
    const known = await room.known(room.bob);
    await room.ann.sayInGroup(room.id, "news");
    await room.network.net.settle();
    expect(await room.told(room.bob, known)).toBe("news");
    expect(await room.isAsked(room.bob, await room.known(room.bob))).toBe(true);
  });
});

/** A group by itself, whose calls the test answers. */
class AloneGroup {
  private readonly canister: Metered;
  readonly open: OutgoingCall[] = [];
  /** Its first installation sets it. */
  private timerNanos = 1n;
  private readonly self = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 1, 1, 1);
  private readonly localIndex = Principal.fromUint8Array(Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 7, 1, 1));
  private readonly owner = Principal.selfAuthenticating(new Uint8Array([1]));

  /** Claimed; it waits for its randomness. */
  constructor() {
    this.canister = Metered.install(moduleOf("group"), encodeInit("group", [{ user_index: this.localIndex, local_index: this.localIndex }]));
    const claim = { owner_principal: this.owner, owner: Principal.fromUint8Array(Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 9, 1, 1)), username: "owner", name: "Group", description: "", invite: [] };
    this.update(this.localIndex, "c2c_claim", claim);
  }

  /** A group that has announced itself. */
  static begun(): AloneGroup {
    const group = new AloneGroup();
    group.begin();
    group.answer();
    return group;
  }

  begin(): void {
    this.answer(new Uint8Array(IDL.encode([IDL.Vec(IDL.Nat8)], [new Uint8Array(32).fill(1)])));
  }

  /** What its owner is told. */
  since(since: bigint): { version: bigint; stamp: [] | [bigint] } | undefined {
    this.canister.caller = this.owner.toUint8Array();
    const { reply } = this.canister.query("updates", new Uint8Array(IDL.encode(method("group", "updates").argTypes, [{ since, on_behalf_of: [] }])));
    return (ok(IDL.decode(method("group", "updates").retTypes, reply)[0] as unknown as { Ok: [] | [{ version: bigint; stamp: [] | [bigint] }] }) as [] | [{ version: bigint; stamp: [] | [bigint] }])[0];
  }

  announced(): bigint {
    return (IDL.decode(method("local_index", "c2c_announce").argTypes, this.open[0]!.payload)[0] as unknown as { stamp: bigint }).stamp;
  }

  private execute(entry: EntryPoint, payload?: Uint8Array, reject?: string): void {
    const { delta, error } = this.canister.attempt(entry, payload, true, reject === undefined ? undefined : { code: 5, message: reject });
    if (error !== null) throw new Error(error.message);
    if (delta?.globalTimerNanos !== undefined) this.timerNanos = delta.globalTimerNanos;
    this.open.push(...(delta?.calls ?? []));
  }

  private update(caller: Principal, name: string, ...args: unknown[]): void {
    this.canister.caller = caller.toUint8Array();
    this.execute({ kind: "update", method: name }, new Uint8Array(IDL.encode(method("group", name).argTypes, args)));
  }

  say(count: number): void {
    for (let i = 0; i < count; i++) this.update(this.owner, "send_message", { message_id: messageId(), text: "hello", replies_to: [] });
  }

  answer(reply = new Uint8Array(IDL.encode([], []))): void {
    this.execute({ kind: "replyCallback", closure: this.open.shift()!.onReply }, reply);
  }

  reject(): void {
    this.execute({ kind: "rejectCallback", closure: this.open.shift()!.onReject }, undefined, "stopped");
  }

  pass(seconds: number): void {
    for (let second = 0; second < seconds; second++) {
      this.canister.timeNanos += 1_000_000_000n;
      if (this.timerNanos === 0n || this.timerNanos > this.canister.timeNanos) continue;
      this.timerNanos = 0n;
      this.execute({ kind: "globalTimer" });
      for (let at = this.open.findIndex((call) => call.method === "<kit> timer"); at >= 0; at = this.open.findIndex((call) => call.method === "<kit> timer")) {
        const [call] = this.open.splice(at, 1) as [OutgoingCall];
        this.canister.caller = this.self;
        this.execute({ kind: "update", method: call.method }, call.payload);
        this.execute({ kind: "replyCallback", closure: call.onReply });
      }
    }
  }
}

test("who had everything before the group could stamp it comes for the stamp", () => {
  const group = new AloneGroup();
  const { version, stamp } = group.since(0n)!;
  expect(stamp).toEqual([]);
  expect(group.since(version)).toBeUndefined();
  group.begin();
  const later = group.since(version)!;
  expect(later.stamp).toEqual([group.announced()]);
  group.answer();
  expect(group.since(later.version)).toBeUndefined();
});

describe("announcements are few", () => {
  test("a hundred messages during one make one more", () => {
    const group = AloneGroup.begun();
    group.say(1);
    group.say(100);
    expect(group.open.map((call) => call.method)).toEqual(["c2c_announce"]);
    group.answer();
    expect(group.open.map((call) => call.method)).toEqual(["c2c_announce"]);
    group.answer();
    expect(group.open).toEqual([]);
  });

  test("to a local index that is away they come less and less often", () => {
    const group = AloneGroup.begun();
    group.say(1);
    const attempts: number[] = [];
    group.reject();
    for (let second = 1; second <= 1_000; second++) {
      group.pass(1);
      if (group.open.length === 0) continue;
      attempts.push(second);
      group.reject();
    }
    expect(attempts).toEqual([1, 3, 7, 15, 31, 63, 127, 255, 511, 767]);
  });
});
