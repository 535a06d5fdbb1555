// Every method of every chat canister × everybody who might call it. The methods come from the contracts: one without
// a row fails. Handlers are run past inspect_message, as a call from another canister would, and inspect_message is
// asked by itself; what is refused changes nothing.

import { createHash } from "node:crypto";
import { IDL } from "@dfinity/candid";
import { Principal } from "@dfinity/principal";
import { describe, expect, test, vi } from "vitest";
import { Metered } from "../tools/bench/meter.ts";
import { encodeInit, type Kind, method, methodsOf, moduleOf } from "./chat-network.ts";
import { MeteredLocalIndex, USER_INDEX as METERED_USER_INDEX } from "./metered-local-index.ts";

vi.setConfig({ testTimeout: 120_000 }); // enough on a loaded machine

/**
 * - yes: it is done, or answered, or goes on with a call to another canister
 * - told: a refusal in words, or an answer that says nothing
 * - shut: rejected or trapped
 */
type Verdict = "yes" | "told" | "shut";

interface Row {
  args: unknown[];
  yes: string[];
  /** Of everybody else. */
  others: Verdict;
  /** Exceptions among the others. */
  but?: Record<string, Verdict>;
  /** Whose call inspect_message lets in. Nobody's, when absent: for methods of canisters. */
  admitted?: string[];
  /** What tells whether it was done, when the answer does not. */
  trace?: () => string;
}

const canister = (n: number): Principal => Principal.fromUint8Array(Uint8Array.of(0, 0, 0, 0, 0, 0, 1, n, 1, 1));
const person = (n: number): Principal => Principal.selfAuthenticating(new Uint8Array([n]));
const [USER_INDEX, LOCAL_INDEX, OTHER_LOCAL_INDEX, FOREIGN] = [1, 2, 3, 4].map(canister) as [Principal, Principal, Principal, Principal];
const ELSEWHERE = { "another canister": FOREIGN, "the management canister": Principal.managementCanister() };
const CONTROLLER = person(200);

const encode = (kind: Kind, name: string, args: unknown[]): Uint8Array => new Uint8Array(IDL.encode(method(kind, name).argTypes, args));
const answerOf = (kind: Kind, name: string, ...values: unknown[]): Uint8Array => new Uint8Array(IDL.encode(method(kind, name).retTypes, values));

class Subject {
  readonly kind: Kind;
  readonly canister: Metered;
  constructor(kind: Kind, made: unknown[] | Metered) {
    this.kind = kind;
    this.canister = made instanceof Metered ? made : Metered.install(moduleOf(kind), encodeInit(kind, made));
    this.canister.isController = (who) => Buffer.compare(who, CONTROLLER.toUint8Array()) === 0;
  }

  /** As `who`; calls that it makes are answered in turn. */
  do(who: Principal, name: string, args: unknown[], ...answers: Uint8Array[]): unknown {
    this.canister.caller = who.toUint8Array();
    let { outcome, reply } = this.canister.run({ kind: "update", method: name }, encode(this.kind, name, args));
    for (const answer of answers) ({ outcome, reply } = this.canister.run({ kind: "replyCallback", closure: outcome.delta!.calls[0]!.onReply }, answer));
    return IDL.decode(method(this.kind, name).retTypes, reply)[0];
  }

  verdict(who: Principal, name: string, row: Row): Verdict {
    const { annotations, retTypes } = method(this.kind, name);
    const query = annotations.includes("query") ? "query" : annotations.includes("composite_query") ? "compositeQuery" : "update";
    const before = row.trace?.();
    this.canister.caller = who.toUint8Array();
    // What is let in is undone, what is not is kept: it must have changed nothing.
    const outcome = this.canister.attempt({ kind: query, method: name }, encode(this.kind, name, row.args), !row.yes.some((role) => this.roles[role] === who));
    if (outcome.error !== null || outcome.delta?.response?.kind === "reject") return "shut";
    if (outcome.delta?.response === undefined) return "yes";
    if (row.trace !== undefined) {
      // Done for good this time, to see whether it left a trace.
      this.canister.attempt({ kind: query, method: name }, encode(this.kind, name, row.args));
      return row.trace() === before ? "told" : "yes";
    }
    const [value] = IDL.decode(retTypes, outcome.delta.response.data) as unknown as [unknown];
    if (typeof value === "object" && value !== null && "Err" in value) return "told";
    return Array.isArray(value) && value.length === 0 ? "told" : "yes";
  }

  admits(who: Principal, name: string, row: Row): boolean {
    this.canister.caller = who.toUint8Array();
    return this.canister.attempt({ kind: "inspectMessage", method: name }, encode(this.kind, name, row.args), false).delta?.accepted ?? false;
  }

  roles: Record<string, Principal> = {};
  rows: Record<string, Row | Row[]> = {};
  /** Everything that its people would see of a change. */
  seen: () => string = () => "";
}

/** Who signs calls; canisters do not, so only these come to inspect_message. */
const signs = (who: Principal): boolean => [29, 1].includes(who.toUint8Array().length);

function check(title: string, make: () => Subject): void {
  describe(title, () => {
    const subject = make();
    const names = Object.keys(subject.roles);
    for (const name of methodsOf(subject.kind)) {
      test(name, () => {
        const rows = [subject.rows[name] ?? []].flat();
        expect(rows, "a method without a row").not.toHaveLength(0);
        for (const row of rows) {
          const known = [...row.yes, ...Object.keys(row.but ?? {}), ...(row.admitted ?? [])];
          expect(known.filter((role) => !names.includes(role)), "unknown roles").toEqual([]);
          const seen = subject.seen();
          const found = names.map((role) => [role, subject.verdict(subject.roles[role]!, name, row)]);
          expect(Object.fromEntries(found)).toEqual(Object.fromEntries(names.map((role) => [role, row.yes.includes(role) ? "yes" : (row.but?.[role] ?? row.others)])));
          if (row.trace === undefined) expect(subject.seen(), "something was changed").toBe(seen);
          const signers = names.filter((role) => signs(subject.roles[role]!));
          expect(signers.filter((role) => subject.admits(subject.roles[role]!, name, row))).toEqual(signers.filter((role) => row.admitted?.includes(role)));
        }
      });
    }
    test("has no row for a method that is gone", () => {
      expect(Object.keys(subject.rows).sort()).toEqual([...methodsOf(subject.kind)].sort());
    });
  });
}

const summary = (user: Principal, username: string) => answerOf("user_index", "c2c_lookup_user", [{ user_id: user, username, display_name: [], local_index: LOCAL_INDEX }]);

check("user", () => {
  const subject = new Subject("user", [{ user_index: USER_INDEX, local_index: LOCAL_INDEX }]);
  const [owner, friend, stranger] = [person(1), person(2), person(3)] as const;
  const [friendsCanister, strangersCanister, group, joined] = [canister(10), canister(11), canister(12), canister(13)] as const;
  subject.do(LOCAL_INDEX, "c2c_claim", [{ owner, username: "owner" }]);
  const message = (id: bigint) => ({ timestamp: 1n, action: { Message: { message_id: id, text: "hello", replies_to: [] } } });
  subject.do(friendsCanister, "c2c_deliver", [{ first: 0n, envelopes: [message(1n)] }], summary(friendsCanister, "friend"));
  subject.do(owner, "send_message", [{ recipient: friendsCanister, message_id: 2n, text: "hello", replies_to: [] }]);
  for (const id of [group, joined]) {
    const notices = [{ Invited: { name: "Group", by: friendsCanister } }];
    subject.do(id, "c2c_group_notices", [{ first: 0n, notices }], answerOf("user_index", "c2c_lookup_group", [LOCAL_INDEX]));
  }
  subject.do(owner, "accept_invite", [joined], answerOf("group", "c2c_join", { Ok: { name: "Group" } }));
  subject.roles = {
    owner,
    "a friend": friend,
    "a stranger": stranger,
    anonymous: Principal.anonymous(),
    "a controller's key": CONTROLLER,
    "the friend's canister": friendsCanister,
    "a stranger's canister": strangersCanister,
    "the group": joined,
    "the local index": LOCAL_INDEX,
    "another local index": OTHER_LOCAL_INDEX,
    "the user index": USER_INDEX,
    ...ELSEWHERE,
  };
  subject.seen = () => {
    subject.canister.caller = owner.toUint8Array();
    return Buffer.from(subject.canister.query("updates", encode("user", "updates", [{ since: 0n, on_behalf_of: [] }])).reply).toString("hex");
  };
  const mine = (...args: unknown[]): Row => ({ args, yes: ["owner"], others: "told", admitted: ["owner"] });
  // Unknown canisters are asked about before anything is kept; so "yes" is a question to the user index here.
  const unknown = ["owner", "a friend", "a stranger", "anonymous", "a controller's key", "a stranger's canister", "the local index", "another local index", "the user index", ...Object.keys(ELSEWHERE)];
  subject.rows = {
    send_message: mine({ recipient: friendsCanister, message_id: 3n, text: "hi", replies_to: [] }),
    edit_message: mine({ them: friendsCanister, message_id: 2n, text: "hi" }),
    delete_message: mine({ them: friendsCanister, message_id: 2n }),
    react: mine({ them: friendsCanister, message_id: 1n, reaction: "👍", add: true }),
    mark_read: { ...mine([{ chat: { Direct: friendsCanister }, up_to: 1 }]), trace: subject.seen },
    set_profile: mine({ display_name: ["Me"], bio: "" }),
    block_user: mine(friendsCanister),
    unblock_user: mine(friendsCanister),
    create_group: mine({ name: "New", description: "", invite: [], request_id: 1n }),
    accept_invite: mine(group),
    decline_invite: mine(group),
    leave_group: mine(joined),
    updates: [
      mine({ since: 0n, on_behalf_of: [] }),
      { args: [{ since: 0n, on_behalf_of: [owner] }], yes: ["the local index"], others: "told", admitted: ["owner"] },
      { args: [{ since: 0n, on_behalf_of: [stranger] }], yes: [], others: "told", admitted: ["owner"] },
    ],
    events: mine({ them: friendsCanister, from: 0, ascending: true, max: 10 }),
    c2c_deliver: [
      { args: [{ first: 1n, envelopes: [message(9n)] }], yes: [...unknown, "the friend's canister", "the group"], others: "shut" },
    ],
    c2c_group_notices: { args: [{ first: 1n, notices: [{ Removed: null }] }], yes: [...unknown, "the friend's canister", "the group"], others: "shut" },
    c2c_claim: { args: [{ owner, username: "owner" }], yes: ["the local index"], others: "told" },
  };
  return subject;
});

check("user, as long as it belongs to nobody", () => {
  const subject = new Subject("user", [{ user_index: USER_INDEX, local_index: LOCAL_INDEX }]);
  subject.roles = { "a stranger": person(3), anonymous: Principal.anonymous(), nobody: Principal.fromUint8Array(new Uint8Array()), "the local index": LOCAL_INDEX, "another local index": OTHER_LOCAL_INDEX, "another canister": FOREIGN };
  const closed = (...args: unknown[]): Row => ({ args, yes: [], others: "told" });
  const none = Principal.fromUint8Array(new Uint8Array());
  subject.rows = {
    send_message: closed({ recipient: FOREIGN, message_id: 3n, text: "hi", replies_to: [] }),
    edit_message: closed({ them: FOREIGN, message_id: 2n, text: "hi" }),
    delete_message: closed({ them: FOREIGN, message_id: 2n }),
    react: closed({ them: FOREIGN, message_id: 1n, reaction: "👍", add: true }),
    mark_read: { ...closed([]), trace: () => "" },
    set_profile: closed({ display_name: [], bio: "" }),
    block_user: closed(FOREIGN),
    unblock_user: closed(FOREIGN),
    create_group: closed({ name: "New", description: "", invite: [], request_id: 1n }),
    accept_invite: closed(FOREIGN),
    decline_invite: closed(FOREIGN),
    leave_group: closed(FOREIGN),
    updates: [closed({ since: 0n, on_behalf_of: [] }), closed({ since: 0n, on_behalf_of: [none] })],
    events: closed({ them: FOREIGN, from: 0, ascending: true, max: 10 }),
    c2c_deliver: { args: [{ first: 0n, envelopes: [] }], yes: [], others: "shut" },
    c2c_group_notices: { args: [{ first: 0n, notices: [] }], yes: [], others: "shut" },
    c2c_claim: { args: [{ owner: person(3), username: "owner" }], yes: ["the local index"], others: "told" },
  };
  return subject;
});

check("group", () => {
  const subject = new Subject("group", [{ user_index: USER_INDEX, local_index: LOCAL_INDEX }]);
  const parts = ["owner", "admin", "member", "left", "removed", "invited"] as const;
  const [owner, admin, member, left, removed, invited] = parts.map((_, i) => person(i + 1)) as [Principal, Principal, Principal, Principal, Principal, Principal];
  const home = (who: (typeof parts)[number]): Principal => canister(20 + parts.indexOf(who));
  const claim = { owner_principal: owner, owner: home("owner"), username: "owner", name: "Group", description: "", invite: [] };
  subject.do(LOCAL_INDEX, "c2c_claim", [claim]);
  subject.do(owner, "invite_users", [parts.slice(1).map(home)]);
  for (const who of ["admin", "member", "left", "removed"] as const) {
    const owner_principal = person(parts.indexOf(who) + 1);
    subject.do(home(who), "c2c_join", [{ owner_principal, username: who }], summary(home(who), who));
  }
  subject.do(owner, "change_role", [{ user_id: home("admin"), role: { Admin: null } }]);
  subject.do(member, "send_message", [{ message_id: 1n, text: "hello", replies_to: [] }]);
  subject.do(home("left"), "c2c_leave", []);
  subject.do(owner, "remove_member", [home("removed")]);
  subject.roles = {
    owner,
    admin,
    member,
    "one who left": left,
    "one who was removed": removed,
    "one who is invited": invited,
    "a stranger": person(50),
    anonymous: Principal.anonymous(),
    "a controller's key": CONTROLLER,
    "the owner's canister": home("owner"),
    "the admin's canister": home("admin"),
    "the member's canister": home("member"),
    "the canister of one who left": home("left"),
    "the canister of one who was removed": home("removed"),
    "the canister of the invited": home("invited"),
    "a stranger's canister": canister(40),
    "the local index": LOCAL_INDEX,
    "another local index": OTHER_LOCAL_INDEX,
    "the user index": USER_INDEX,
    ...ELSEWHERE,
  };
  subject.seen = () => {
    subject.canister.caller = owner.toUint8Array();
    const ask = (name: string, ...args: unknown[]): string => Buffer.from(subject.canister.query(name, encode("group", name, args)).reply).toString("hex");
    return ask("updates", { since: 0n, on_behalf_of: [] }) + ask("members");
  };
  const members = ["owner", "admin", "member"];
  const by = (yes: string[], ...args: unknown[]): Row => ({ args, yes, others: "told", admitted: members });
  subject.rows = {
    send_message: by(members, { message_id: 2n, text: "hi", replies_to: [] }),
    edit_message: by(["member"], { message_id: 1n, text: "hi" }),
    delete_message: by(members, { message_id: 1n }),
    react: by(members, { message_id: 1n, reaction: "👍", add: true }),
    invite_users: by(["owner", "admin"], [canister(60)]),
    remove_member: [by(["owner", "admin"], home("member")), by(["owner", "admin"], home("admin")), by(["owner", "admin"], home("invited")), by([], home("owner"))],
    update_group: by(["owner", "admin"], { name: "Other", description: "" }),
    change_role: [by(["owner"], { user_id: home("member"), role: { Owner: null } }), by(["owner"], { user_id: home("admin"), role: { Member: null } })],
    updates: [
      by(members, { since: 0n, on_behalf_of: [] }),
      by(["the local index"], { since: 0n, on_behalf_of: [member] }),
      by([], { since: 0n, on_behalf_of: [removed] }),
      by([], { since: 0n, on_behalf_of: [invited] }),
    ],
    events: by(members, { from: 0, ascending: true, max: 10 }),
    members: by(members),
    c2c_join: { args: [{ owner_principal: person(60), username: "forged" }], yes: ["the canister of the invited"], others: "told" },
    c2c_decline: { args: [], yes: ["the canister of the invited"], others: "told" },
    // The last owner stays while others do.
    c2c_leave: { args: [], yes: ["the admin's canister", "the member's canister"], others: "told" },
    c2c_claim: { args: [claim], yes: ["the local index"], others: "told" },
  };
  return subject;
});

check("user_index", () => {
  const governance = person(100);
  const subject = new Subject("user_index", [{ governance: [governance], registrations: [] }]);
  const [known, other] = [person(1), person(2)] as const;
  const [knownsCanister, group] = [canister(10), canister(12)] as const;
  subject.do(CONTROLLER, "add_local_index", [LOCAL_INDEX]);
  subject.do(known, "register_user", [{ username: "known_one" }], answerOf("local_index", "c2c_create_user", { Ok: { user_id: knownsCanister } }));
  subject.do(LOCAL_INDEX, "c2c_register_groups", [[group]]);
  subject.roles = {
    "somebody registered": known,
    "somebody who is not": other,
    anonymous: Principal.anonymous(),
    "a controller": CONTROLLER,
    governance,
    "a user canister": knownsCanister,
    "a group": group,
    "the local index": LOCAL_INDEX,
    "a local index of another network": OTHER_LOCAL_INDEX,
    ...ELSEWHERE,
  };
  const asKnown = (name: string, ...args: unknown[]): string => {
    subject.canister.caller = known.toUint8Array();
    return Buffer.from(subject.canister.query(name, encode("user_index", name, args)).reply).toString("hex");
  };
  subject.seen = () => asKnown("users", [knownsCanister]);
  const ours = ["a user canister", "a group", "the local index"];
  const everybody = Object.keys(subject.roles);
  const managers = ["a controller", "governance"];
  const people = ["somebody registered"];
  subject.rows = {
    register_user: { args: [{ username: "new_name" }], yes: everybody.filter((role) => !["somebody registered", "anonymous"].includes(role)), others: "told", admitted: ["somebody registered", "somebody who is not", ...managers] },
    check_username: { args: ["new_name"], yes: everybody, others: "told", admitted: people },
    current_user: { args: [], yes: people, others: "told", admitted: people },
    search_users: { args: [{ prefix: "known", max_results: 10 }], yes: people, others: "told", admitted: people },
    users: { args: [[knownsCanister]], yes: people, others: "told", admitted: people },
    c2c_lookup_user: { args: [knownsCanister], yes: ours, others: "told" },
    c2c_lookup_group: { args: [group], yes: ours, others: "told" },
    c2c_set_display_name: { args: [["Known"]], yes: ["a user canister"], others: "told", trace: () => subject.seen() },
    c2c_register_groups: { args: [[canister(99)]], yes: ["the local index"], others: "shut" },
    add_local_index: { args: [OTHER_LOCAL_INDEX], yes: managers, others: "told", admitted: managers },
    local_indexes: { args: [], yes: managers, others: "told", admitted: managers },
  };
  return subject;
});

check("local_index", () => {
  const index = new MeteredLocalIndex(2);
  const wasm = (section: number): Uint8Array => Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0, 0, 1, section);
  for (const kind of ["User", "Group"] as const) index.activate(kind, 1, wasm(0));
  index.run();
  // One child of each kind is somebody's; the others are in the pool.
  const given = (caller: Principal, name: string, arg: unknown, answer: Uint8Array): Principal => {
    index.as(caller.toUint8Array(), name, arg);
    const claim = index.open.find((call) => call.method === "c2c_claim")!;
    index.run((call) => (call === claim ? { reply: answer } : index.usual(call)));
    return Principal.fromUint8Array(claim.callee);
  };
  const child = given(METERED_USER_INDEX, "c2c_create_user", { owner: person(1), username: "someone" }, answerOf("user", "c2c_claim", { Ok: null }));
  const groupArgs = (request_id: bigint) => ({ owner_principal: person(1), username: "someone", name: "Group", description: "", invite: [], request_id });
  const group = given(child, "c2c_create_group", groupArgs(1n), answerOf("group", "c2c_claim", { Ok: null }));
  index.as(index.controller, "stage_module_chunk", { kind: { User: null }, index: 0, chunk: wasm(1) });
  const subject = new Subject("local_index", index.canister);
  subject.roles = {
    "a person": person(1),
    anonymous: Principal.anonymous(),
    "a controller": CONTROLLER,
    "the user index": METERED_USER_INDEX,
    "a user canister of this subnet": child,
    "a group of this subnet": group,
    "a user canister of another subnet": canister(10),
    "another local index": OTHER_LOCAL_INDEX,
    ...ELSEWHERE,
  };
  const controllers = (others: Verdict, ...args: unknown[]): Row => ({ args, yes: ["a controller"], others, admitted: ["a controller"] });
  subject.seen = () => {
    subject.canister.caller = CONTROLLER.toUint8Array();
    return Buffer.from(subject.canister.query("status", encode("local_index", "status", [])).reply).toString("hex");
  };
  const sha256 = createHash("sha256").update(wasm(1)).digest();
  subject.rows = {
    // It passes on what the children say to the caller, so anybody may ask.
    updates: { args: [{ user: [{ user_id: child, since: 0n }], groups: [{ group_id: group, since: 0n, stamp: [] }] }], yes: Object.keys(subject.roles), others: "told", admitted: ["a controller"] },
    c2c_create_user: { args: [{ owner: person(2), username: "another" }], yes: ["the user index"], others: "told" },
    c2c_create_group: { args: [groupArgs(2n)], yes: ["a user canister of this subnet"], others: "told" },
    c2c_request_cycles: { args: [], yes: ["a user canister of this subnet", "a group of this subnet"], others: "shut" },
    c2c_announce: { args: [{ stamp: 7n }], yes: ["a group of this subnet"], others: "shut" },
    stage_module_chunk: controllers("told", { kind: { User: null }, index: 0, chunk: [0] }),
    activate_module: controllers("told", { kind: { User: null }, version: 2, chunks: 1, sha256 }),
    retry_failed_upgrades: controllers("shut"),
    status: controllers("shut"),
  };
  return subject;
});
