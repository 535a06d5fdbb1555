// What people who are not wanted can do: little, and nothing that costs much.

import { Principal } from "@dfinity/principal";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { ChatNetwork, errorOf, messageId, ok, type Person } from "./chat-network.ts";

vi.setConfig({ testTimeout: 120_000 }); // enough on a loaded machine

let network: ChatNetwork;
let serial = 0;
const somebody = async (): Promise<Person> => {
  const person = await network.person(`person_${serial++}`);
  await settle();
  return person;
};
const settle = () => network.net.settle();
const hours = async (count: number): Promise<void> => {
  for (let i = 0; i < count * 12; i++) await network.net.time.advance(300_000);
};

beforeAll(async () => {
  network = await ChatNetwork.start({ poolTarget: 3 });
}, 120_000);
afterAll(() => network.stop());

const send = (from: Person, to: Person, text = "hello") => from.user.send_message({ recipient: to.id, message_id: messageId(), text, replies_to: [] });
const deliveries = async (me: Person, them: Person): Promise<string[]> =>
  (await me.events(them)).flatMap(({ kind }) => ("Message" in kind ? [kind.Message.delivery.map((delivery) => Object.keys(delivery)[0]).join()] : []));

describe("a blocked person", () => {
  test("writes into the void and is not told; what was said before stays", async () => {
    const [ann, bob] = [await somebody(), await somebody()];
    await bob.say(ann, "before");
    await settle();
    ok(await ann.user.block_user(bob.id));
    ok(await ann.user.block_user(bob.id));
    const before = (await bob.chatWith(ann))!;
    const during = await bob.say(ann, "during");
    ok(await bob.user.react({ them: ann.id, message_id: during, reaction: "👍", add: true }));
    await settle();
    expect(await ann.texts(bob)).toEqual(["before"]);
    expect((await ann.chatWith(bob))!.unread).toBe(1);
    const after = (await bob.chatWith(ann))!;
    expect(after.delivered_up_to).toEqual(before.delivered_up_to);
    expect(after.failed).toEqual([]);
    expect(await deliveries(bob, ann)).toEqual(["", ""]);
  });

  test("learns no read marks, and can still take back what they wrote", async () => {
    const [ann, bob] = [await somebody(), await somebody()];
    const id = await bob.say(ann, "regretted");
    await settle();
    ok(await ann.user.block_user(bob.id));
    await ann.user.mark_read([{ chat: { Direct: bob.id }, up_to: 1 }]);
    await settle();
    expect((await bob.chatWith(ann))!.read_by_them_up_to).toEqual([]);
    ok(await bob.user.edit_message({ them: ann.id, message_id: id, text: "worse" }));
    await settle();
    expect(await ann.texts(bob)).toEqual(["regretted"]);
    ok(await bob.user.delete_message({ them: ann.id, message_id: id }));
    await settle();
    expect(await ann.texts(bob)).toEqual(["∅"]);
  });

  test("is heard again after unblocking, sees then what did not arrive, and can send it again", async () => {
    const [ann, bob] = [await somebody(), await somebody()];
    await bob.say(ann, "before");
    await settle();
    ok(await ann.user.block_user(bob.id));
    const lost = await bob.say(ann, "lost");
    await settle();
    ok(await ann.user.unblock_user(bob.id));
    await bob.say(ann, "after");
    await settle();
    expect(await ann.texts(bob)).toEqual(["before", "after"]);
    expect(await deliveries(bob, ann)).toEqual(["", "GivenUp", ""]);
    expect((await bob.chatWith(ann))!.failed.map((failure) => failure.message_id)).toEqual([lost]);
    await bob.say(ann, "lost", { id: lost });
    await settle();
    expect(await ann.texts(bob)).toEqual(["before", "after", "lost"]);
    expect(await deliveries(bob, ann)).toEqual(["", "", ""]);
  });

  test("whom one never met cannot begin a chat, and can later", async () => {
    const [ann, bob] = [await somebody(), await somebody()];
    ok(await ann.user.block_user(bob.id));
    await bob.say(ann, "unseen");
    await settle();
    expect((await ann.everything()).chats).toEqual([]);
    ok(await ann.user.unblock_user(bob.id));
    await bob.say(ann, "seen");
    await settle();
    expect(await ann.texts(bob)).toEqual(["seen"]);
    expect(await deliveries(bob, ann)).toEqual(["GivenUp", ""]);
  });

  test("cannot be written to, and cannot invite", async () => {
    const [ann, bob] = [await somebody(), await somebody()];
    ok(await ann.user.block_user(bob.id));
    expect(errorOf(await send(ann, bob))).toBe("Blocked");
    ok(await ann.user.unblock_user(bob.id));
    const id = messageId();
    ok(await ann.user.send_message({ recipient: bob.id, message_id: id, text: "hi", replies_to: [] }));
    ok(await ann.user.block_user(bob.id));
    expect(errorOf(await send(ann, bob))).toBe("Blocked");
    expect(errorOf(await ann.user.react({ them: bob.id, message_id: id, reaction: "👍", add: true }))).toBe("Blocked");
    const group = await bob.createGroup("Trap", [ann]);
    await settle();
    expect((await ann.everything()).groups.filter((entry) => "Invited" in entry.status)).toEqual([]);
    expect(errorOf(await ann.user.accept_invite(group))).toBe("NotInvited");
  });

  test("is listed to the owner's clients, and to nobody else", async () => {
    const [ann, bob] = [await somebody(), await somebody()];
    expect((await ann.everything()).blocked).toEqual([]);
    ok(await ann.user.block_user(bob.id));
    const { blocked, version } = await ann.everything();
    expect(blocked[0]?.map(String)).toEqual([bob.id.toText()]);
    expect(await ann.user.updates({ since: version, on_behalf_of: [] })).toEqual([]);
    ok(await ann.user.unblock_user(bob.id));
    expect((await ann.user.updates({ since: version, on_behalf_of: [] }))[0]?.blocked).toEqual([[]]);
    await expect(network.as(bob.sender).user(ann.id).block_user(bob.id)).rejects.toThrow();
    expect(errorOf(await ann.user.block_user(ann.id))).toBe("CannotBlockSelf");
  });

  test("stays blocked over an upgrade", async () => {
    const [ann, bob] = [await somebody(), await somebody()];
    ok(await ann.user.block_user(bob.id));
    await network.release("user");
    await settle();
    await bob.say(ann, "unseen");
    await settle();
    expect((await ann.everything()).chats).toEqual([]);
  });
});

describe("limits", () => {
  test("a stranger puts 200 messages at most into somebody's canister at once, and nothing is lost", async () => {
    const [ann, bob] = [await somebody(), await somebody()];
    for (let i = 0; i < 230; i++) await bob.say(ann, `${i}`);
    await settle();
    expect((await ann.chatWith(bob))!.unread).toBe(200);
    // The answer makes them acquainted.
    await ann.say(bob, "stop it");
    await hours(1);
    expect((await ann.chatWith(bob))!.unread).toBe(230);
    expect(await deliveries(bob, ann)).not.toContain("GivenUp");
  });

  test("strangers together begin 50 chats at most at once, and nothing is lost", async () => {
    const ann = await somebody();
    const crowd: Person[] = [];
    for (let i = 0; i < 60; i++) crowd.push(await somebody());
    for (const person of crowd) await person.say(ann, "buy this");
    await settle();
    const begun = async () => new Set((await ann.everything()).chats.map((chat) => chat.summary.them.toText())).size;
    expect(await begun()).toBe(50);
    await hours(2);
    expect(await begun()).toBe(60);
  });

  test("a sender is told when it is too much, and when to come again; repeating what was sent costs nothing", async () => {
    const [ann, bob] = [await somebody(), await somebody()];
    const first = await ann.say(bob, "0");
    let refusal: object | undefined;
    for (let i = 1; i <= 1_001; i++) {
      // Bob answers now and then, so that nothing waits.
      if (i % 150 === 0) {
        await bob.say(ann, "yes");
        await settle();
      }
      const result = await send(ann, bob, `${i}`);
      if ("Err" in result) {
        refusal = result;
        break;
      }
    }
    expect(refusal).toMatchObject({ Err: { RateLimited: { retry_after_millis: expect.any(BigInt) } } });
    await ann.say(bob, "0", { id: first });
    await network.net.time.advance(1_000);
    ok(await send(ann, bob, "later"));
  });

  test("a member of a group cannot flood it with messages, reactions or invitations", async () => {
    const ann = await somebody();
    const group = ann.group(await ann.createGroup("Quiet"));
    const until = async (call: (i: number) => Promise<object>): Promise<number> => {
      for (let i = 0; ; i++) {
        const result = await call(i);
        if (!("Err" in result)) continue;
        expect(errorOf(result)).toBe("RateLimited");
        return i;
      }
    };
    const id = messageId();
    ok(await group.send_message({ message_id: id, text: "one", replies_to: [] }));
    expect(await until(() => group.send_message({ message_id: messageId(), text: "spam", replies_to: [] }))).toBe(299);
    expect(errorOf(await group.edit_message({ message_id: id, text: "two" }))).toBe("RateLimited");
    ok(await group.send_message({ message_id: id, text: "one", replies_to: [] }));
    expect(await until((i) => group.react({ message_id: id, reaction: "👍", add: i % 2 === 0 }))).toBe(300);
    const crowd = (i: number) => Array.from({ length: 100 }, (_, n) => Principal.fromUint8Array(Uint8Array.of(0, 0, 0, 0, 2, i, n, 0, 1, 1)));
    expect(await until((i) => group.invite_users(crowd(i)))).toBe(5);
    await network.net.time.advance(1_000);
    ok(await group.send_message({ message_id: messageId(), text: "later", replies_to: [] }));
  });

  test("a person makes 20 groups at once at most", async () => {
    const ann = await somebody();
    for (let i = 0; i < 20; i++) {
      await ann.createGroup(`Group ${i}`);
      await settle();
    }
    const request = () => ann.user.create_group({ name: "One more", description: "", invite: [], request_id: messageId() });
    expect(errorOf(await request())).toBe("RateLimited");
    await network.net.time.advance(180_000);
    ok(await request());
  });

  test("a group cannot bother somebody for ever", async () => {
    const [ann, bob] = [await somebody(), await somebody()];
    const group = await ann.createGroup("Insistent", [bob]);
    await settle();
    const invited = async () => "Invited" in (await bob.everything()).groups.findLast((entry) => entry.group_id.toText() === group.toText())!.status;
    for (let i = 0; i < 20; i++) {
      ok(await bob.user.decline_invite(group));
      ok(await ann.group(group).invite_users([bob.id]));
      await settle();
      if (!(await invited())) return expect(i).toBe(19);
    }
    expect.unreachable("twenty invitations came through");
  });
});

describe("registration", () => {
  test("is as fast as the index was told, at once and in the long run", async () => {
    const slow = await ChatNetwork.start({ applicationSubnets: 1, poolTarget: 5, registrations: { burst: 2, per_hour: 60 } });
    const register = (name: string) => slow.as(slow.stranger()).user_index(slow.userIndex).register_user({ username: name });
    ok(await register("first_one"));
    ok(await register("second_one"));
    const refusal = await register("third_one");
    expect(refusal).toEqual({ Err: { RateLimited: { retry_after_millis: 60_000n } } });
    // Nothing was kept: the name is free, and one's own account is told as ever.
    expect(await slow.as(slow.stranger()).user_index(slow.userIndex).check_username("third_one")).toEqual({ Ok: null });
    await slow.net.time.advance(60_000);
    ok(await register("third_one"));
    expect(errorOf(await register("fourth_one"))).toBe("RateLimited");
    await slow.stop();
  });
});
