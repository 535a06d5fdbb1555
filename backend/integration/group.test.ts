// Groups with members of two subnets.

import { Principal } from "@dfinity/principal";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { ChatNetwork, errorOf, messageId, ok, type Person } from "./chat-network.ts";

vi.setConfig({ testTimeout: 120_000 }); // enough on a loaded machine

let network: ChatNetwork;
let ann: Person;
let bob: Person;
let cat: Person;
let group: Principal;

const settle = () => network.net.settle();
const kinds = async (person: Person): Promise<string[]> =>
  ok(await person.group(group).events({ from: 0, ascending: true, max: 100 })).map((event) => Object.keys(event.kind)[0]!);
const entry = async (person: Person) => (await person.everything()).groups.findLast((candidate) => candidate.group_id.toText() === group.toText());

beforeAll(async () => {
  network = await ChatNetwork.start();
  ann = await network.person("ann_anders");
  bob = await network.person("bob_builder");
  cat = await network.person("cat_carter");
  group = await ann.createGroup("Climbers", [bob, cat]);
  await settle();
}, 120_000);

afterAll(() => network.stop());

describe("membership", () => {
  test("people of both subnets are invited, see it, and join", async () => {
    expect(bob.account.local_index.toText()).not.toBe(ann.account.local_index.toText());
    for (const person of [bob, cat]) {
      expect(await entry(person)).toMatchObject({ name: "Climbers", status: { Invited: { by: ann.id } } });
      ok(await person.user.accept_invite(group));
      expect(await entry(person)).toMatchObject({ status: { Joined: {} } });
    }
    const { members, invited } = ok(await bob.group(group).members());
    expect(members.map((member) => member.username)).toEqual(["ann_anders", "bob_builder", "cat_carter"]);
    expect(invited).toEqual([]);
    expect(await kinds(ann)).toEqual(["GroupCreated", "Invited", "Joined", "Joined"]);
  });

  test("creating again with one request id gives the same group", async () => {
    const request = { name: "Twice", description: "", invite: [], request_id: messageId() };
    const first = ok(await ann.user.create_group(request));
    expect(ok(await ann.user.create_group(request)).group_id.toText()).toBe(first.group_id.toText());
  });

  test("one person creates at most 50", async () => {
    const eager = await network.person("eager_edgar");
    for (let i = 0; i < 50; i++) {
      await eager.createGroup(`Group ${i}`);
      await network.net.time.advance(180_000);
    }
    const result = await eager.user.create_group({ name: "One more", description: "", invite: [], request_id: messageId() });
    expect(errorOf(result)).toBe("Unavailable");
  });

  test("names and descriptions are bounded", async () => {
    const create = (name: string, description = "") => ann.user.create_group({ name, description, invite: [], request_id: messageId() });
    expect(errorOf(await create("  "))).toBe("InvalidName");
    expect(errorOf(await create("x".repeat(61)))).toBe("InvalidName");
    expect(errorOf(await create("fine", "x".repeat(1_001)))).toBe("DescriptionTooLong");
  });

  test("an invitation can be declined and taken back", async () => {
    const dan = await network.person("dan_dawson");
    const eve = await network.person("eve_evans");
    ok(await ann.group(group).invite_users([dan.id, eve.id]));
    await settle();
    ok(await dan.user.decline_invite(group));
    ok(await ann.group(group).remove_member(eve.id));
    await settle();
    expect(await entry(dan)).toMatchObject({ status: { Gone: null } });
    expect(await entry(eve)).toMatchObject({ status: { Gone: null } });
    expect(errorOf(await eve.user.accept_invite(group))).toBe("NotInvited");
    expect(ok(await ann.group(group).members()).invited).toEqual([]);
  });
});

describe("messages", () => {
  test("of all members stand in one order, with edits, reactions and deletions", async () => {
    const first = await ann.sayInGroup(group, "Saturday?");
    const second = await bob.sayInGroup(group, "Yes!");
    const third = await cat.sayInGroup(group, "Rain…");
    expect(await cat.groupTexts(group)).toEqual(["Saturday?", "Yes!", "Rain…"]);
    ok(await ann.group(group).edit_message({ message_id: first, text: "Sunday?" }));
    for (const person of [bob, cat]) ok(await person.group(group).react({ message_id: first, reaction: "👍", add: true }));
    ok(await ann.group(group).delete_message({ message_id: third }));
    expect(await bob.groupTexts(group)).toEqual(["Sunday?", "Yes!", "∅"]);
    const events = ok(await bob.group(group).events({ from: 0, ascending: true, max: 100 }));
    const message = events.flatMap((event) => ("Message" in event.kind ? [event.kind.Message] : []))[0]!;
    expect(message.reactions).toMatchObject([{ reaction: "👍", count: 2, mine: true }]);
    expect(errorOf(await bob.group(group).delete_message({ message_id: first }))).toBe("NotYourMessage");
    expect(errorOf(await cat.group(group).edit_message({ message_id: second, text: "No" }))).toBe("NotYourMessage");
  });

  test("are posted once however often they are sent", async () => {
    const id = messageId();
    const send = () => bob.group(group).send_message({ message_id: id, text: "once", replies_to: [] });
    expect(ok(await send())).toEqual(ok(await send()));
    expect((await ann.groupTexts(group)).filter((text) => text === "once")).toHaveLength(1);
  });
});

describe("sync", () => {
  test("one query at a local index tells what changed since a version, and nothing else", async () => {
    const home = ann.account.local_index.toText();
    const start = await bob.sync(home, { groups: [[group, 0n]] });
    const { version } = start.groups.get(group.toText())!;
    expect((await bob.sync(home, { groups: [[group, version]] })).groups.size).toBe(0);
    const id = await cat.sayInGroup(group, "news");
    const news = (await bob.sync(home, { groups: [[group, version]] })).groups.get(group.toText())!;
    expect(news.events).toHaveLength(1);
    expect(news.members_changed).toBe(false);
    expect(news.summary.latest_message[0]?.kind).toMatchObject({ Message: { message_id: id } });
    ok(await cat.group(group).edit_message({ message_id: id, text: "old news" }));
    const edited = (await bob.sync(home, { groups: [[group, news.version]] })).groups.get(group.toText())!;
    expect(edited.events).toMatchObject([{ index: news.events[0]!.index, kind: { Message: { content: { Text: { text: "old news" } } } } }]);
  });

  test("a stranger is told that they are no member", async () => {
    const dan = await network.person("dan_again");
    const told = await dan.sync(ann.account.local_index.toText(), { groups: [[group, 0n]] });
    expect(told.failed.get(group.toText())).toBe("NotMember");
    expect(told.groups.size).toBe(0);
  });

  test("pages through more changes than one answer holds", async () => {
    const quiet = await ann.createGroup("Busy");
    for (let i = 0; i < 230; i++) await ann.sayInGroup(quiet, `message ${i}`);
    const seen = new Set<number>();
    let since = 0n;
    let pages = 0;
    for (;;) {
      const [page] = ok(await ann.group(quiet).updates({ since, on_behalf_of: [] }));
      if (page === undefined) break;
      pages++;
      for (const event of page.events) seen.add(event.index);
      since = page.version;
      if (!page.more) break;
    }
    expect(pages).toBe(2);
    expect(seen.size).toBe(231);
  });
});

describe("roles", () => {
  test("members cannot do what is the admins', admins cannot do what is the owners'", async () => {
    const asBob = bob.group(group);
    expect(errorOf(await asBob.invite_users([network.stranger()]))).toBe("NotAuthorized");
    expect(errorOf(await asBob.remove_member(cat.id))).toBe("NotAuthorized");
    expect(errorOf(await asBob.update_group({ name: "Mine", description: "" }))).toBe("NotAuthorized");
    expect(errorOf(await asBob.change_role({ user_id: bob.id, role: { Owner: null } }))).toBe("NotAuthorized");
    ok(await ann.group(group).change_role({ user_id: bob.id, role: { Admin: null } }));
    ok(await asBob.update_group({ name: "Boulderers", description: "indoors" }));
    expect(errorOf(await asBob.remove_member(ann.id))).toBe("NotAuthorized");
    expect(errorOf(await asBob.change_role({ user_id: cat.id, role: { Admin: null } }))).toBe("NotAuthorized");
    ok(await asBob.remove_member(cat.id));
    await settle();
    expect(await entry(cat)).toMatchObject({ status: { Gone: null } });
    expect(errorOf(await network.as(cat.sender).group(group).events({ from: 0, ascending: true, max: 10 }))).toBe("NotMember");
    await expect(cat.group(group).send_message({ message_id: messageId(), text: "still here?", replies_to: [] })).rejects.toThrow();
    expect((await kinds(bob)).slice(-3)).toEqual(["RoleChanged", "Renamed", "Removed"]);
  });

  test("the last owner cannot leave or step down while others remain", async () => {
    expect(errorOf(await ann.user.leave_group(group))).toBe("LastOwner");
    expect(errorOf(await ann.group(group).change_role({ user_id: ann.id, role: { Member: null } }))).toBe("LastOwner");
    ok(await ann.group(group).change_role({ user_id: bob.id, role: { Owner: null } }));
    ok(await ann.user.leave_group(group));
    expect(await entry(ann)).toMatchObject({ status: { Gone: null } });
    expect((await kinds(bob)).at(-1)).toBe("Left");
  });

  test("the last one to leave takes the open invitations along", async () => {
    const club = await ann.createGroup("Short-lived", [cat]);
    await settle();
    ok(await ann.user.leave_group(club));
    await settle();
    expect(errorOf(await cat.user.accept_invite(club))).toBe("NotInvited");
    expect((await cat.everything()).groups.findLast((known) => known.group_id.toText() === club.toText())?.status).toEqual({ Gone: null });
  });

  test("only user canisters join: an invited principal cannot vouch for itself", async () => {
    const club = await bob.createGroup("Forgers");
    const forger = Principal.fromText(network.localIndexes[1]!);
    ok(await bob.group(club).invite_users([bob.sender, forger]));
    const accomplice = network.stranger();
    await expect(bob.group(club).c2c_join({ owner_principal: accomplice, username: "ann_anders" })).rejects.toThrow();
    await expect(network.as(forger).group(club).c2c_join({ owner_principal: accomplice, username: "ann_anders" })).rejects.toThrow("no user canister");
    expect(ok(await bob.group(club).members()).members.map((member) => member.username)).toEqual(["bob_builder"]);
    expect(errorOf(await network.as(accomplice).group(club).members())).toBe("NotMember");
  });

  test("no stranger gets anything done or told", async () => {
    const stranger = network.as(network.stranger()).group(group);
    expect(errorOf(await stranger.updates({ since: 0n, on_behalf_of: [] }))).toBe("NotMember");
    expect(errorOf(await stranger.updates({ since: 0n, on_behalf_of: [bob.sender] }))).toBe("NotMember");
    expect(errorOf(await stranger.members())).toBe("NotMember");
    for (const attempt of [
      () => stranger.send_message({ message_id: messageId(), text: "spam", replies_to: [] }),
      () => stranger.invite_users([]),
      () => stranger.c2c_join({ owner_principal: network.stranger(), username: "intruder" }),
      () => stranger.c2c_claim({ owner_principal: network.stranger(), owner: network.stranger(), username: "x", name: "x", description: "", invite: [] }),
    ]) {
      await expect(attempt()).rejects.toThrow();
    }
  });
});
