// A world for the simulation: people on three subnets who write, react, block, and come and go in groups, while
// canisters are stopped, upgraded and flooded. It remembers what was accepted, and compares in the end.

import { expect } from "vitest";
import { Principal } from "@dfinity/principal";
import type { Event as GroupEvent, GroupSummary } from "../declarations/group/group.did.d.ts";
import { ChatNetwork, encodeInit, errorOf, messageId, moduleOf, ok, type Person, Rejected } from "./chat-network.ts";

export const PEOPLE = 6;
export const GROUPS = 2;
export const SUBNETS = 3;
export const REACTIONS = ["👍", "❤️"];

/** Refusals that are right under way: the canister is stopped or being upgraded, or it was too much. */
const PASSING = ["TooManyWaiting", "RateLimited", "Unavailable", "Blocked"];

interface Written {
  by: number;
  /** The other person, or the group. */
  to: number;
  id: bigint;
  text: string;
  deleted: boolean;
  reactions: Set<string>;
}

interface Group {
  id: Principal;
  /** The subnet's number. */
  home: number;
  written: Written[];
}

/** A group as a client knows it that has never asked but at the local index, with what the last answer gave it. */
interface Copy {
  since: bigint;
  stamp: [] | [bigint];
  events: Map<number, GroupEvent>;
  summary: GroupSummary | undefined;
}

export class World {
  readonly network: ChatNetwork;
  readonly people: Person[] = [];
  readonly groups: Group[] = [];
  private readonly written: Written[] = [];
  /** Who has blocked whom, and every pair that ever was blocked: what happened meanwhile may be missing on one side. */
  private readonly blocked = new Set<string>();
  private readonly everBlocked = new Set<string>();
  /** Whose outbox for whom may have been full. */
  private readonly flooded = new Set<string>();
  /** By person and group. */
  private readonly copies = new Map<string, Copy>();
  /** Stopped canisters and who controls them. */
  private readonly stopped = new Map<string, Principal>();

  private constructor(network: ChatNetwork) {
    this.network = network;
  }

  static async make(): Promise<World> {
    const world = new World(await ChatNetwork.start({ applicationSubnets: SUBNETS, poolTarget: 2 }));
    const { network, people } = world;
    for (let i = 0; i < PEOPLE; i++) {
      people.push(await network.person(`person_${i}`));
      await network.net.settle();
    }
    for (const from of people) for (const to of people) if (from !== to) await from.say(to, "hello");
    for (let i = 0; i < GROUPS; i++) {
      const founder = people[i]!;
      const id = await founder.createGroup(`Group ${i}`, people.filter((person) => person !== founder));
      world.groups.push({ id, home: network.localIndexes.indexOf(founder.account.local_index.toText()), written: [] });
    }
    await network.net.settle();
    for (const person of people) for (const { id } of world.groups) ok(await person.user.accept_invite(id));
    return world;
  }

  /** Ok, or a refusal that passes; anything else fails the run. */
  private async tried(call: Promise<object>, also: string[] = []): Promise<boolean> {
    let result: object;
    try {
      result = await call;
    } catch (error) {
      // Stopped, stopping, or no member any more.
      if (error instanceof Rejected) return false;
      throw error;
    }
    if (!("Err" in result)) return true;
    expect([...PASSING, ...also]).toContain(errorOf(result));
    return false;
  }

  // ── what people do ───────────────────────────────────────────────────────────────────────────────────────

  async send(by: number, to: number, again: boolean): Promise<void> {
    if (by === to) return;
    const [me, them] = [this.people[by]!, this.people[to]!];
    const message: Written = { by, to, id: messageId(), text: `text ${this.written.length}`, deleted: false, reactions: new Set() };
    const send = () => this.tried(me.user.send_message({ recipient: them.id, message_id: message.id, text: message.text, replies_to: [] }));
    if (!(await send())) return;
    this.written.push(message);
    if (again) await send();
  }

  /** So many that the outbox may fill up. */
  async flood(by: number, to: number, count: number): Promise<void> {
    this.flooded.add(`${by} ${to}`);
    for (let i = 0; i < count; i++) await this.send(by, to, false);
  }

  async sendToGroup(by: number, to: number, again: boolean): Promise<void> {
    const group = this.groups[to]!;
    const message: Written = { by, to, id: messageId(), text: `text ${group.written.length}`, deleted: false, reactions: new Set() };
    const send = () => this.tried(this.people[by]!.group(group.id).send_message({ message_id: message.id, text: message.text, replies_to: [] }), ["NotMember"]);
    if (!(await send())) return;
    group.written.push(message);
    if (again) await send();
  }

  /** Changes one of the messages, by its author. */
  async change(pick: number, inGroup: boolean, what: "edit" | "delete" | number): Promise<void> {
    const group = inGroup ? this.groups[pick % GROUPS] : undefined;
    const list = group?.written ?? this.written;
    const message = list[pick % Math.max(1, list.length)];
    if (message === undefined || message.deleted) return;
    const { user } = this.people[message.by]!;
    const room = group && this.people[message.by]!.group(group.id);
    const chat = { message_id: message.id, them: this.people[message.to]?.id ?? this.people[0]!.id };
    if (what === "edit") {
      const text = `${message.text}!`;
      if (await this.tried(room ? room.edit_message({ ...chat, text }) : user.edit_message({ ...chat, text }), ["NotMember"])) message.text = text;
    } else if (what === "delete") {
      if (!(await this.tried(room ? room.delete_message(chat) : user.delete_message(chat), ["NotMember"]))) return;
      message.deleted = true;
      message.reactions.clear();
    } else {
      const reaction = REACTIONS[what]!;
      if (await this.tried(room ? room.react({ ...chat, reaction, add: true }) : user.react({ ...chat, reaction, add: true }), ["NotMember"])) message.reactions.add(reaction);
    }
  }

  async read(by: number, them: number): Promise<void> {
    if (by === them) return;
    try {
      await this.people[by]!.user.mark_read([{ chat: { Direct: this.people[them]!.id }, up_to: 1_000_000 }]);
    } catch (error) {
      if (!(error instanceof Rejected)) throw error;
    }
  }

  async block(by: number, whom: number, value: boolean): Promise<void> {
    if (by === whom) return;
    const { user } = this.people[by]!;
    const { id } = this.people[whom]!;
    if (!(await this.tried(value ? user.block_user(id) : user.unblock_user(id)))) return;
    if (!value) return void this.blocked.delete(`${by} ${whom}`);
    this.blocked.add(`${by} ${whom}`);
    for (const pair of [`${by} ${whom}`, `${whom} ${by}`]) this.everBlocked.add(pair);
  }

  async comeAndGo(who: number, to: number, what: "leave" | "accept" | "decline" | "remove" | "invite"): Promise<void> {
    const { id } = this.groups[to]!;
    const person = this.people[who]!;
    const founder = this.people[to]!.group(id);
    // The founder, its last owner, stays.
    if (who === to) return;
    const fine = ["NotInvited", "NotMember", "GroupNotFound", "UserNotFound"];
    if (what === "leave") await this.tried(person.user.leave_group(id), fine);
    if (what === "accept") await this.tried(person.user.accept_invite(id), fine);
    if (what === "decline") await this.tried(person.user.decline_invite(id), fine);
    if (what === "remove") await this.tried(founder.remove_member(person.id), fine);
    if (what === "invite") await this.tried(founder.invite_users([person.id]), fine);
  }

  // ── what happens to canisters ────────────────────────────────────────────────────────────────────────────

  private async stop(canister: Principal, controller: Principal): Promise<void> {
    if (this.stopped.has(canister.toText())) return;
    this.stopped.set(canister.toText(), controller);
    await this.network.power("stop", canister, controller);
  }

  private async start(canister: Principal): Promise<void> {
    const controller = this.stopped.get(canister.toText());
    if (controller === undefined) return;
    this.stopped.delete(canister.toText());
    await this.network.power("start", canister, controller);
  }

  async stopPerson(who: number): Promise<void> {
    await this.stop(this.people[who]!.id, this.people[who]!.account.local_index);
  }

  async startPerson(who: number): Promise<void> {
    await this.start(this.people[who]!.id);
  }

  async stopGroup(which: number): Promise<void> {
    const group = this.groups[which]!;
    await this.stop(group.id, this.people[which]!.account.local_index);
  }

  async startGroup(which: number): Promise<void> {
    await this.start(this.groups[which]!.id);
  }

  async stopIndex(subnet: number): Promise<void> {
    await this.stop(Principal.fromText(this.network.localIndexes[subnet]!), ChatNetwork.admin);
  }

  async startIndex(subnet: number): Promise<void> {
    await this.start(Principal.fromText(this.network.localIndexes[subnet]!));
  }

  /** All canisters of one subnet's people. */
  async darken(subnet: number): Promise<void> {
    for (const [who, person] of this.people.entries()) if (person.account.local_index.toText() === this.network.localIndexes[subnet]) await this.stopPerson(who);
  }

  /** A new release for the children of a subnet. An upgrade ends with a start, whatever it was before. */
  async upgrade(kind: "user" | "group", subnet: number): Promise<void> {
    const home = this.network.localIndexes[subnet]!;
    if (this.stopped.has(home)) return;
    await this.network.release(kind, [home]);
    for (const [canister, controller] of [...this.stopped]) {
      const isGroup = this.groups.some((group) => group.id.toText() === canister);
      if (controller.toText() === home && isGroup === (kind === "group")) this.stopped.delete(canister);
    }
  }

  /** A new release of an index, at once and in the middle of its work. */
  async upgradeIndex(which: number): Promise<void> {
    const sender = ChatNetwork.admin;
    const { userIndex, localIndexes, net } = this.network;
    const local = localIndexes[which];
    const canister = local ?? userIndex;
    this.stopped.delete(canister);
    await this.network.power("stop", canister, sender);
    await net.time.advance(1_000);
    const init = local === undefined ? encodeInit("user_index", [{ governance: [], registrations: [] }]) : encodeInit("local_index", [{ user_index: this.people[0]!.id, pool_target: 2 }]);
    await net.install(canister, moduleOf(local === undefined ? "user_index" : "local_index"), init, { mode: "upgrade", sender });
    await this.network.power("start", canister, sender);
  }

  // ── what clients do ──────────────────────────────────────────────────────────────────────────────────────

  /** Takes what the local index says of a group to whoever tells it what they have. Answers what it said instead of news. */
  async sync(who: number, which: number): Promise<string | undefined> {
    const { id, home } = this.groups[which]!;
    const key = `${who} ${which}`;
    const copy = this.copies.get(key) ?? { since: 0n, stamp: [], events: new Map<number, GroupEvent>(), summary: undefined };
    this.copies.set(key, copy);
    for (;;) {
      let told: Awaited<ReturnType<Person["sync"]>>;
      try {
        told = await this.people[who]!.sync(this.network.localIndexes[home]!, { groups: [[id, copy.since, copy.stamp]] });
      } catch (error) {
        if (error instanceof Rejected) return "Rejected";
        throw error;
      }
      const news = told.groups.get(id.toText());
      if (news === undefined) return told.failed.get(id.toText());
      for (const event of news.events) copy.events.set(event.index, event);
      Object.assign(copy, { since: news.version, stamp: news.stamp, summary: news.summary });
      if (!news.more) return undefined;
    }
  }

  async wait(millis: number): Promise<void> {
    await this.network.net.time.advance(millis);
  }

  // ── the end ──────────────────────────────────────────────────────────────────────────────────────────────

  /** Everything runs, nobody is blocked, and longer than the longest back-off passes. */
  private async quieten(): Promise<void> {
    for (const canister of [...this.stopped.keys()]) await this.start(Principal.fromText(canister));
    await this.pass();
    for (const pair of [...this.blocked]) {
      const [by, whom] = pair.split(" ").map(Number) as [number, number];
      ok(await this.people[by]!.user.unblock_user(this.people[whom]!.id));
    }
    this.blocked.clear();
    await this.pass();
  }

  private async pass(): Promise<void> {
    for (let i = 0; i < 30; i++) await this.network.net.time.advance(120_000);
    await this.network.net.settle();
  }

  /** A chat as one side sees it: texts with reactions by message id, and what was given up. */
  private async copyOf(me: Person, them: Person): Promise<{ messages: Map<bigint, string>; given: bigint[] }> {
    const messages = new Map<bigint, string>();
    const given: bigint[] = [];
    for (let from = 0; ; ) {
      const page = ok(await me.user.events({ them: them.id, from, ascending: true, max: 100 }));
      if (page.length === 0) return { messages, given };
      for (const event of page) {
        expect(event.index, "events are numbered without gaps").toBe(from++);
        if (!("Message" in event.kind)) continue;
        const { message_id, content, reactions, delivery } = event.kind.Message;
        expect(messages.has(message_id), "a message stands twice").toBe(false);
        expect(delivery.some((state) => "SentAgain" in state), "a message is still on its way").toBe(false);
        if (delivery.length > 0) given.push(message_id);
        messages.set(message_id, shown(content, reactions));
      }
    }
  }

  async finish(): Promise<void> {
    await this.quieten();
    // What was thrown away while somebody was blocked shows with the next message; then it is sent again.
    for (const pair of this.everBlocked) {
      const [by, to] = pair.split(" ").map(Number) as [number, number];
      await this.send(by, to, false);
    }
    // A read mark that found no room in the outbox is told with the next one.
    for (const pair of this.flooded) {
      const [by, to] = pair.split(" ").map(Number) as [number, number];
      await this.send(to, by, false);
    }
    await this.pass();
    for (const me of this.people) {
      for (const them of this.people) {
        if (me === them) continue;
        // Fifty at a time may be on their way again.
        for (let { given } = await this.copyOf(me, them); given.length > 0; { given } = await this.copyOf(me, them)) {
          for (const id of given.slice(0, 50)) ok(await me.user.send_message({ recipient: them.id, message_id: id, text: "again", replies_to: [] }));
          await this.pass();
        }
      }
    }
    await this.compareChats();
    await this.compareReading();
    for (const group of this.groups) await this.compareGroup(group);
    await this.compareCopies();
    for (const localIndex of this.network.localIndexes) {
      const { failures, children } = await this.network.as(ChatNetwork.admin).local_index(localIndex).status();
      expect(failures).toEqual([]);
      for (const child of children) expect(child).toMatchObject({ outdated: 0, upgrades_failed: 0, pool: 2 });
    }
  }

  private async compareChats(): Promise<void> {
    const copies = new Map<string, Map<bigint, string>>();
    for (const [i, me] of this.people.entries()) for (const [j, them] of this.people.entries()) if (i !== j) copies.set(`${i} ${j}`, (await this.copyOf(me, them)).messages);
    for (const message of this.written) {
      const mine = copies.get(`${message.by} ${message.to}`)!.get(message.id);
      const theirs = copies.get(`${message.to} ${message.by}`)!.get(message.id);
      const author = this.people[message.by]!.id.toText();
      expect(mine, `the sender's copy of ${message.text}`).toBe(expected(message, author));
      // While somebody is blocked, edits and reactions of theirs are thrown away for good; and what was deleted before it came does not come.
      if (!this.everBlocked.has(`${message.by} ${message.to}`)) expect(theirs, `the recipient's copy of ${message.text}`).toBe(mine);
      else if (message.deleted) expect(theirs ?? "∅|").toBe("∅|");
      else expect(theirs, `the recipient has ${message.text}`).toBeDefined();
    }
    for (const [pair, copy] of copies) {
      const [i, j] = pair.split(" ").map(Number) as [number, number];
      const sent = this.written.filter((message) => (message.by === i && message.to === j) || (message.by === j && message.to === i));
      expect(copy.size, "nothing was added").toBeLessThanOrEqual(sent.length + 2);
    }
  }

  /** Read marks of both sides meet. */
  private async compareReading(): Promise<void> {
    for (let i = 0; i < PEOPLE; i++) for (let j = 0; j < PEOPLE; j++) await this.read(i, j);
    await this.pass();
    for (const [i, me] of this.people.entries()) {
      for (const [j, them] of this.people.entries()) {
        if (i === j) continue;
        const chat = (await me.chatWith(them))!;
        expect(chat.unread).toBe(0);
        expect(chat.failed).toEqual([]);
        const events = await this.lastMine(me, them, chat.latest_event_index);
        expect(chat.delivered_up_to[0] ?? -1, "delivered").toBeGreaterThanOrEqual(events);
        // What was sent again stands later on the other side, so its mark may name an earlier one here.
        if (!this.everBlocked.has(`${i} ${j}`)) expect(chat.read_by_them_up_to[0] ?? -1, "read by them").toBeGreaterThanOrEqual(events);
      }
    }
  }

  /** Index of the last message of mine that stands. The other side may never have had one that was deleted. */
  private async lastMine(me: Person, them: Person, latest: number): Promise<number> {
    for (let from = latest; from >= 0; from -= 100) {
      const page = ok(await me.user.events({ them: them.id, from, ascending: false, max: 100 }));
      const mine = page.find(({ kind }) => "Message" in kind && kind.Message.sender.toText() === me.id.toText() && "Text" in kind.Message.content);
      if (mine !== undefined) return mine.index;
    }
    return -1;
  }

  private async compareGroup(group: Group): Promise<void> {
    const founder = this.people[this.groups.indexOf(group)]!;
    const { members } = ok(await founder.group(group.id).members());
    const inside = new Set(members.map((member) => member.user_id.toText()));
    for (const person of this.people) {
      const entry = (await person.everything()).groups.findLast((known) => known.group_id.toText() === group.id.toText())!;
      expect("Joined" in entry.status, `${person.account.username} and the group agree on membership`).toBe(inside.has(person.id.toText()));
    }
    const seen: [bigint, string][] = [];
    for (let from = 0; ; ) {
      const page = ok(await founder.group(group.id).events({ from, ascending: true, max: 100 }));
      if (page.length === 0) break;
      for (const event of page) {
        expect(event.index).toBe(from++);
        if ("Message" in event.kind) seen.push([event.kind.Message.message_id, shown(event.kind.Message.content, event.kind.Message.reactions)]);
      }
    }
    expect(seen).toEqual(group.written.map((message) => [message.id, expected(message, this.people[message.by]!.id.toText())]));
  }

  /** Whoever asked the local index only has what the group has, and the group is not asked for them any more. */
  private async compareCopies(): Promise<void> {
    for (const [which, { id, home }] of this.groups.entries()) {
      const isOut = (person: Person) => person.group(id).members().then((told) => "Err" in told);
      const out = await Promise.all(this.people.map(isOut));
      for (const [who, person] of this.people.entries()) {
        const told = await this.sync(who, which);
        expect(told, "what is said to those who left").toBe(out[who] ? "NotMember" : undefined);
        if (out[who]) continue;
        const { events, summary } = this.copies.get(`${who} ${which}`)!;
        const all: GroupEvent[] = [];
        for (let page: GroupEvent[] = []; all.length === 0 || page.length > 0; all.push(...page)) page = ok(await person.group(id).events({ from: all.length, ascending: true, max: 100 }));
        expect(plain([...events.values()].sort((a, b) => a.index - b.index))).toEqual(plain(all));
        const whole = await person.sync(this.network.localIndexes[home]!, { groups: [[id, 0n]] });
        expect(plain(summary)).toEqual(plain(whole.groups.get(id.toText())!.summary));
      }
      await this.stopGroup(which);
      for (const [who, left] of out.entries()) expect(await this.sync(who, which)).toBe(left ? "Unavailable" : undefined);
      await this.startGroup(which);
    }
  }

  async end(): Promise<void> {
    await this.network.stop();
  }
}

/** Candid values with principals and numbers as text, so that they compare. */
const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value, (_, part: unknown) => (typeof part === "bigint" ? `${part}` : part)));

type Content = { Text: { text: string } } | { Deleted: object };

function shown(content: Content, reactions: { reaction: string; users: Principal[] }[]): string {
  const who = reactions.map(({ reaction, users }) => `${reaction}${users.map(String).sort().join()}`).sort();
  return `${"Text" in content ? content.Text.text : "∅"}|${who.join()}`;
}

function expected(message: Written, author: string): string {
  return `${message.deleted ? "∅" : message.text}|${[...message.reactions].map((reaction) => `${reaction}${author}`).sort().join()}`;
}
