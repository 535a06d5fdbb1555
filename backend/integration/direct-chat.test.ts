// Direct chats between user canisters on two subnets.

import { Principal } from "@dfinity/principal";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { ChatNetwork, encodeInit, errorOf, messageId, moduleOf, ok, type Person } from "./chat-network.ts";

vi.setConfig({ testTimeout: 120_000 }); // enough on a loaded machine

let network: ChatNetwork;
let ann: Person;
let bob: Person;

beforeAll(async () => {
  network = await ChatNetwork.start();
  ann = await network.person("ann_anders");
  bob = await network.person("BobBuilder");
}, 120_000);

afterAll(() => network.stop());

const settle = () => network.net.settle();

describe("registration", () => {
  test("spreads accounts over the subnets, the less loaded first", () => {
    expect(ann.account.local_index.toText()).not.toBe(bob.account.local_index.toText());
  });

  test("refuses names that are taken in any case, too short, too long or of other letters", async () => {
    const index = network.as(network.stranger()).user_index(network.userIndex);
    expect(await index.check_username("BOBBUILDER")).toEqual({ Err: { Taken: null } });
    expect(await index.register_user({ username: "bobbuilder" })).toEqual({ Err: { Username: { Taken: null } } });
    expect(await index.check_username("four")).toEqual({ Err: { TooShort: { min: 5 } } });
    expect(await index.check_username("a".repeat(21))).toEqual({ Err: { TooLong: { max: 20 } } });
    for (const name of ["bоbby", "with space", "_first", "last_", "dou__ble", "tab\tbed"]) {
      expect(await index.check_username(name)).toEqual({ Err: { InvalidCharacters: null } });
    }
  });

  test("tells the name that somebody gave themselves, over a stopped user index", async () => {
    const named = async () => (await ann.index.users([bob.id]))[0]!.display_name;
    expect(await named()).toEqual([]);
    ok(await bob.user.set_profile({ display_name: ["  Bob the Builder "], bio: "" }));
    await settle();
    expect(await named()).toEqual(["Bob the Builder"]);
    await network.power("stop", network.userIndex, ChatNetwork.admin);
    ok(await bob.user.set_profile({ display_name: [], bio: "" }));
    await settle();
    await network.power("start", network.userIndex, ChatNetwork.admin);
    expect(await named()).toEqual(["Bob the Builder"]);
    await network.net.time.advance(60_000);
    expect(await named()).toEqual([]);
  });

  test("refuses calls larger than any app makes at the door", async () => {
    await expect(network.as(network.stranger()).user_index(network.userIndex).register_user({ username: "x".repeat(10_000) })).rejects.toThrow("Canister rejected the message");
  });

  test("answers the account that is there when asked again", async () => {
    const again = await ann.index.register_user({ username: "another_name" });
    expect(errorOf(again)).toBe("AlreadyRegistered");
    expect((await ann.index.current_user())[0]?.username).toBe("ann_anders");
  });

  test("finds people by prefix, for registered callers only, without their sign-in principal", async () => {
    const found = await ann.index.search_users({ prefix: "BOB", max_results: 10 });
    expect(found.map((user) => user.username)).toEqual(["BobBuilder"]);
    expect(Object.keys(found[0]!).sort()).toEqual(["display_name", "local_index", "user_id", "username"]);
    const stranger = network.as(network.stranger()).user_index(network.userIndex);
    expect(await stranger.search_users({ prefix: "bob", max_results: 10 })).toEqual([]);
    expect(await stranger.users([bob.id])).toEqual([]);
  });
});

describe("messages", () => {
  test("reach the other subnet once and in order, both ways", async () => {
    await ann.say(bob, "Hello Bob");
    await ann.say(bob, "  How are you?  ");
    await settle();
    await bob.say(ann, "Fine 👋");
    await settle();
    expect(await ann.texts(bob)).toEqual(["Hello Bob", "How are you?", "Fine 👋"]);
    expect(await bob.texts(ann)).toEqual(["Hello Bob", "How are you?", "Fine 👋"]);
    expect((await bob.chatWith(ann))?.username).toBe("ann_anders");
  });

  test("sent twice with one id make one message", async () => {
    const id = messageId();
    const first = ok(await ann.user.send_message({ recipient: bob.id, message_id: id, text: "once", replies_to: [] }));
    const second = ok(await ann.user.send_message({ recipient: bob.id, message_id: id, text: "once", replies_to: [] }));
    expect(second).toEqual(first);
    await settle();
    expect((await bob.texts(ann)).filter((text) => text === "once")).toHaveLength(1);
  });

  test("show unread counts, delivery and read marks", async () => {
    const before = (await bob.chatWith(ann))!;
    await ann.say(bob, "unread one");
    await settle();
    const bobs = (await bob.chatWith(ann))!;
    expect(bobs.unread).toBe(before.unread + 1);
    let anns = (await ann.chatWith(bob))!;
    expect(anns.delivered_up_to[0]).toBe(anns.latest_event_index);
    expect(anns.read_by_them_up_to[0] ?? -1).toBeLessThan(anns.latest_event_index);
    await bob.user.mark_read([{ chat: { Direct: ann.id }, up_to: bobs.latest_event_index }]);
    expect((await bob.chatWith(ann))!.unread).toBe(0);
    await settle();
    anns = (await ann.chatWith(bob))!;
    expect(anns.read_by_them_up_to[0]).toBe(anns.latest_event_index);
  });

  test("are known to be read however much the reader has written since", async () => {
    const [kim, lou] = [await network.person("kim_kendall"), await network.person("lou_lawson")];
    await kim.say(lou, "question");
    await settle();
    for (let i = 0; i < 120; i++) await lou.say(kim, `answer ${i}`);
    await lou.user.mark_read([{ chat: { Direct: kim.id }, up_to: 121 }]);
    await settle();
    expect((await kim.chatWith(lou))!.read_by_them_up_to).toEqual([1]);
  });

  test("are not known to be read before they are answered, and then they are", async () => {
    const [mia, ned] = [await network.person("mia_miller"), await network.person("ned_norton")];
    await mia.say(ned, "anybody there?");
    await settle();
    await ned.user.mark_read([{ chat: { Direct: mia.id }, up_to: 1 }]);
    await settle();
    expect((await mia.chatWith(ned))!.read_by_them_up_to).toEqual([]);
    await ned.say(mia, "yes");
    await settle();
    expect((await mia.chatWith(ned))!.read_by_them_up_to).toEqual([1]);
  });

  test("of the other side are passed over by the delivery mark, so that a silent reader's acknowledgements stay cheap", async () => {
    for (let i = 0; i < 5; i++) await bob.say(ann, `monologue ${i}`);
    await settle();
    const before = (await ann.chatWith(bob))!;
    await ann.user.mark_read([{ chat: { Direct: bob.id }, up_to: before.latest_event_index }]);
    await settle();
    const after = (await ann.chatWith(bob))!;
    expect(after.delivered_up_to[0]).toBe(after.latest_event_index);
  });

  test("are edited, reacted to and deleted on both copies", async () => {
    const id = await ann.say(bob, "tpyo");
    const reply = await ann.say(bob, "second", { repliesTo: id });
    await settle();
    ok(await ann.user.edit_message({ them: bob.id, message_id: id, text: "typo" }));
    ok(await bob.user.react({ them: ann.id, message_id: id, reaction: "❤️", add: true }));
    await settle();
    for (const [me, them] of [[ann, bob], [bob, ann]] as const) {
      const message = (await me.events(them)).flatMap((event) => ("Message" in event.kind && event.kind.Message.message_id === id ? [event.kind.Message] : []))[0]!;
      expect(message.content).toEqual({ Text: { text: "typo" } });
      expect(message.edited).toHaveLength(1);
      expect(message.reactions).toMatchObject([{ reaction: "❤️", count: 1, mine: me === bob }]);
    }
    const quoted = (await bob.events(ann)).flatMap((event) => ("Message" in event.kind && event.kind.Message.message_id === reply ? [event.kind.Message] : []))[0]!;
    expect(quoted.replies_to).toEqual([id]);
    ok(await bob.user.react({ them: ann.id, message_id: id, reaction: "❤️", add: false }));
    ok(await ann.user.delete_message({ them: bob.id, message_id: id }));
    await settle();
    expect((await bob.texts(ann)).at(-2)).toBe("∅");
    expect((await ann.texts(bob)).at(-2)).toBe("∅");
  });

  test("refuse what is empty, too long, to oneself, to nobody, or of somebody else", async () => {
    const send = (text: string, recipient = bob.id) => ann.user.send_message({ recipient, message_id: messageId(), text, replies_to: [] });
    expect(errorOf(await send("   "))).toBe("EmptyText");
    expect(errorOf(await send("x".repeat(10_001)))).toBe("TextTooLong");
    expect("Ok" in (await send("😀".repeat(10_000)))).toBe(true);
    expect(errorOf(await send("hi", ann.id))).toBe("CannotMessageSelf");
    expect(errorOf(await send("hi", network.stranger()))).toBe("RecipientNotFound");
    const theirs = await bob.say(ann, "mine");
    await settle();
    expect(errorOf(await ann.user.edit_message({ them: bob.id, message_id: theirs, text: "yours" }))).toBe("NotYourMessage");
    expect(errorOf(await ann.user.delete_message({ them: bob.id, message_id: theirs }))).toBe("NotYourMessage");
    expect(errorOf(await ann.user.react({ them: bob.id, message_id: theirs, reaction: "abc", add: true }))).toBe("InvalidReaction");
  });
});

describe("authorisation", () => {
  test("a stranger and another user learn and change nothing", async () => {
    for (const sender of [network.stranger(), bob.sender]) {
      const anns = network.as(sender).user(ann.id);
      expect(await anns.updates({ since: 0n, on_behalf_of: [] })).toEqual([]);
      expect(await anns.updates({ since: 0n, on_behalf_of: [ann.sender] })).toEqual([]);
      expect(errorOf(await anns.events({ them: bob.id, from: 0, ascending: true, max: 10 }))).toBe("NotAuthorized");
      await expect(anns.send_message({ recipient: bob.id, message_id: messageId(), text: "forged", replies_to: [] })).rejects.toThrow();
      await expect(anns.c2c_claim({ owner: sender, username: "thief" })).rejects.toThrow();
      await expect(anns.c2c_deliver({ first: 0n, envelopes: [] })).rejects.toThrow();
    }
  });

  test("the local index tells only the owner", async () => {
    expect((await ann.sync(ann.account.local_index.toText(), { user: 0n })).user?.profile[0]?.username).toBe("ann_anders");
    const thief = await network.as(bob.sender).local_index(ann.account.local_index).updates({ user: [{ user_id: ann.id, since: 0n }], groups: [] });
    expect(thief.user).toEqual([]);
  });
});

describe("delivery", () => {
  test("survives a stopped recipient and an upgrade of both sides, in order and once", async () => {
    const cat = await network.person("cat_carter");
    const dan = await network.person("dan_dawson");
    await cat.say(dan, "zero");
    await settle();
    const local = dan.account.local_index.toText();
    await network.activate(local, "user", withVersion(2), 2);
    await network.activate(cat.account.local_index.toText(), "user", withVersion(2), 2);
    for (let i = 1; i <= 20; i++) await cat.say(dan, `number ${i}`);
    for (let i = 0; i < 40; i++) await network.net.time.advance(10_000);
    await settle();
    const expected = ["zero", ...Array.from({ length: 20 }, (_, i) => `number ${i + 1}`)];
    expect(await cat.texts(dan)).toEqual(expected);
    expect(await dan.texts(cat)).toEqual(expected);
    const status = await network.as(ChatNetwork.admin).local_index(local).status();
    expect(status.failures).toEqual([]);
    expect(status.children.find((child) => "User" in child.kind)).toMatchObject({ version: 2, outdated: 0 });
  }, 60_000);
});

describe("giving up", () => {
  test("loses what was given up and nothing that follows", async () => {
    const eve = await network.person("eve_evans");
    const fay = await network.person("fay_fields");
    await eve.say(fay, "kept");
    await settle();
    const home = fay.account.local_index;
    // Fay's canister starts anew without an owner: there is no such account, says it, and Eve's gives up.
    const init = encodeInit("user", [{ user_index: Principal.fromText(network.userIndex), local_index: home }]);
    await network.net.install(fay.id, moduleOf("user"), init, { mode: "reinstall", sender: home });
    const lost = await eve.say(fay, "given up");
    await settle();
    expect((await eve.chatWith(fay))!.failed.map((failure) => failure.message_id)).toEqual([lost]);
    ok(await network.as(Principal.fromText(network.userIndex)).local_index(home).c2c_create_user({ owner: fay.sender, username: "fay_fields" }));
    await eve.say(fay, "after");
    await settle();
    expect(await fay.texts(eve)).toEqual(["after"]);
    const summary = (await eve.chatWith(fay))!;
    expect(summary.delivered_up_to[0]).toBe(summary.latest_event_index);
  });

  test("can be undone: the same message id sends it again, once, as it reads now", async () => {
    const [eve, fay] = [await network.person("eve_again"), await network.person("fay_again")];
    await eve.say(fay, "kept");
    await settle();
    const home = fay.account.local_index;
    const init = encodeInit("user", [{ user_index: Principal.fromText(network.userIndex), local_index: home }]);
    await network.net.install(fay.id, moduleOf("user"), init, { mode: "reinstall", sender: home });
    const lost = await eve.say(fay, "given up");
    await settle();
    const delivery = async () => (await eve.events(fay)).flatMap(({ kind }) => ("Message" in kind && kind.Message.message_id === lost ? kind.Message.delivery : []));
    expect(await delivery()).toEqual([{ GivenUp: null }]);

    // Again, and again in vain.
    await eve.say(fay, "given up", { id: lost });
    await settle();
    expect(await delivery()).toEqual([{ GivenUp: null }]);
    expect((await eve.chatWith(fay))!.failed.map((failure) => failure.message_id)).toEqual([lost]);

    ok(await network.as(Principal.fromText(network.userIndex)).local_index(home).c2c_create_user({ owner: fay.sender, username: "fay_again" }));
    ok(await eve.user.edit_message({ them: fay.id, message_id: lost, text: "given up, edited" }));
    await network.power("stop", fay.id, home);
    await eve.say(fay, "other words are not taken", { id: lost });
    await eve.say(fay, "nor twice", { id: lost });
    expect(await delivery()).toEqual([{ SentAgain: null }]);
    expect((await eve.chatWith(fay))!.failed).toEqual([]);
    await network.power("start", fay.id, home);
    await network.net.time.advance(60_000);
    expect(await delivery()).toEqual([]);
    expect(await fay.texts(eve)).toEqual(["given up, edited"]);
    await eve.say(fay, "nor when it was delivered", { id: lost });
    await settle();
    expect(await fay.texts(eve)).toEqual(["given up, edited"]);
    expect(await eve.texts(fay)).toEqual(["kept", "given up, edited"]);
  });

  test("of more messages than are listed still marks every one", async () => {
    const [eve, fay] = [await network.person("eve_third"), await network.person("fay_third")];
    await eve.say(fay, "first");
    await settle();
    const home = fay.account.local_index;
    await network.power("stop", fay.id, home);
    for (let i = 0; i < 60; i++) await eve.say(fay, `lost ${i}`);
    const init = encodeInit("user", [{ user_index: Principal.fromText(network.userIndex), local_index: home }]);
    await network.net.install(fay.id, moduleOf("user"), init, { mode: "reinstall", sender: home });
    await network.power("start", fay.id, home);
    for (let i = 0; i < 10; i++) await network.net.time.advance(60_000);
    const given = (await eve.events(fay)).filter(({ kind }) => "Message" in kind && kind.Message.delivery.length > 0);
    expect(given).toHaveLength(60);
    expect((await eve.chatWith(fay))!.failed).toHaveLength(50);
  });
});

describe("large messages", () => {
  test("fit into the answers of queries, a page at a time", async () => {
    const gus = await network.person("gus_garden");
    const hal = await network.person("hal_harris");
    const text = "😀".repeat(10_000);
    for (let i = 0; i < 90; i++) await gus.say(hal, text);
    await settle();
    const page = ok(await gus.user.events({ them: hal.id, from: 0, ascending: true, max: 100 }));
    expect(page.length).toBeGreaterThan(10);
    const next = ok(await gus.user.events({ them: hal.id, from: page.at(-1)!.index + 1, ascending: true, max: 100 }));
    expect(next[0]!.index).toBe(page.at(-1)!.index + 1);
  });

  test("as last lines of many chats count towards a page of changes", async () => {
    const ida = await network.person("ida_irving");
    const friends: Person[] = [];
    for (let i = 0; i < 14; i++) {
      friends.push(await network.person(`friend_${i}`));
      await settle();
    }
    for (const friend of friends) await ida.say(friend, "😀".repeat(10_000));
    await settle();
    let since = (await ida.everything()).version;
    // One change a chat, which is no event: each would carry its chat's last message.
    for (const friend of friends) await ida.user.mark_read([{ chat: { Direct: friend.id }, up_to: 1 }]);
    await settle();
    const told = new Set<string>();
    let largest = 0;
    for (;;) {
      const [page] = await ida.user.updates({ since, on_behalf_of: [] });
      if (page === undefined) break;
      for (const chat of page.chats) told.add(chat.summary.them.toText());
      largest = Math.max(largest, page.chats.length);
      since = page.version;
      if (!page.more) break;
    }
    expect(told.size).toBe(14);
    expect(largest).toBeLessThan(14);
  }, 60_000);
});

/** The same module with another custom section: another hash, as a new release has. */
function withVersion(version: number): Uint8Array {
  const wasm = moduleOf("user");
  return Uint8Array.from([...wasm, 0, 4, 2, 0x76, 0x30 + version, 0]);
}
