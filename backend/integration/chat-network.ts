// A network with the chat canisters on it, and people who use them: the vocabulary of the integration tests.
//
// Time is virtual and nothing is mocked: the modules are the built ones, on the embedded replica.

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { IDL } from "@dfinity/candid";
import { Principal } from "@dfinity/principal";
import { type EmbeddedNetwork, expectReply } from "../../replica/network/embed.ts";
import { startTestNetwork } from "../tools/testing/network.ts";
import { idlFactory as groupIdl } from "../declarations/group/group.did.js";
import type { _SERVICE as GroupService, Event as GroupEvent, GroupUpdates, UpdatesResult as GroupUpdatesResult } from "../declarations/group/group.did.d.ts";
import { idlFactory as localIndexIdl } from "../declarations/local_index/local_index.did.js";
import type { _SERVICE as LocalIndexService } from "../declarations/local_index/local_index.did.d.ts";
import { idlFactory as userIdl } from "../declarations/user/user.did.js";
import type { _SERVICE as UserService, Event, UserUpdates } from "../declarations/user/user.did.d.ts";
import { idlFactory as userIndexIdl } from "../declarations/user_index/user_index.did.js";
import type { _SERVICE as UserIndexService, CurrentUser } from "../declarations/user_index/user_index.did.d.ts";

export const T = 1_000_000_000_000n;

export const moduleOf = (name: string): Uint8Array => readFileSync(join(import.meta.dirname, "..", "build", `${name}.wasm`));

/** Methods of a service as plain async functions. */
type Calls<S> = { [M in keyof S]: S[M] extends (...args: infer A) => infer R ? (...args: A) => R : never };

/** What a canister said no to, with its reject code. */
export class Rejected extends Error {
  readonly code: number;
  constructor(method: string, code: number, message: string) {
    super(`${method}: ${message}`);
    this.code = code;
  }
}

const factories = { user: userIdl, group: groupIdl, local_index: localIndexIdl, user_index: userIndexIdl };
interface Services {
  user: UserService;
  group: GroupService;
  local_index: LocalIndexService;
  user_index: UserIndexService;
}
export type Kind = keyof Services;

const services = new Map<Kind, IDL.ServiceClass>();
function serviceOf(kind: Kind): IDL.ServiceClass {
  const known = services.get(kind);
  if (known !== undefined) return known;
  const made = (factories[kind] as unknown as (arg: { IDL: typeof IDL }) => IDL.ServiceClass)({ IDL });
  services.set(kind, made);
  return made;
}

export const methodsOf = (kind: Kind): string[] => serviceOf(kind)._fields.map(([name]) => name);

export const method = (kind: Kind, name: string): IDL.FuncClass => serviceOf(kind)._fields.find(([field]) => field === name)![1];

export interface StartOptions {
  poolTarget?: number;
  applicationSubnets?: number;
  registrations?: { burst: number; per_hour: number };
  /** To begin with, instead of the built ones. */
  modules?: Partial<Record<"user" | "group" | "local_index", Uint8Array>>;
}

export class ChatNetwork {
  readonly net: EmbeddedNetwork;
  readonly userIndex: string;
  /** By application subnet, in order. */
  readonly localIndexes: string[];

  private constructor(net: EmbeddedNetwork, userIndex: string, localIndexes: string[]) {
    this.net = net;
    this.userIndex = userIndex;
    this.localIndexes = localIndexes;
  }

  /** The sender that controls what is deployed. */
  static readonly admin = Principal.selfAuthenticating(new Uint8Array([1, 2, 3]));

  static async start(options: StartOptions = {}): Promise<ChatNetwork> {
    const application = options.applicationSubnets ?? 2;
    const net = await startTestNetwork({ subnets: [{ kind: "system" }, ...Array.from({ length: application }, () => ({ kind: "application" as const }))] });
    const sender = ChatNetwork.admin;
    const userIndex = await net.createCanister({ subnet: 0, cycles: 100n * T, sender });
    await net.install(userIndex, moduleOf("user_index"), encodeInit("user_index", [{ governance: [], registrations: options.registrations === undefined ? [] : [options.registrations] }]), { sender });
    const localIndexes: string[] = [];
    for (let subnet = 1; subnet <= application; subnet++) {
      const localIndex = await net.createCanister({ subnet, cycles: 10_000n * T, sender });
      const arg = encodeInit("local_index", [{ user_index: Principal.fromText(userIndex), pool_target: options.poolTarget ?? 3 }]);
      await net.install(localIndex, options.modules?.local_index ?? moduleOf("local_index"), arg, { sender });
      localIndexes.push(localIndex);
    }
    const network = new ChatNetwork(net, userIndex, localIndexes);
    for (const localIndex of localIndexes) {
      ok(await network.as(sender).user_index(userIndex).add_local_index(Principal.fromText(localIndex)));
      for (const kind of ["user", "group"] as const) await network.activate(localIndex, kind, options.modules?.[kind] ?? moduleOf(kind), 1);
    }
    await net.settle();
    return network;
  }

  /** Hands a local index a module for its children. */
  async activate(localIndex: string, kind: "user" | "group", wasm: Uint8Array, version: number): Promise<void> {
    const admin = this.as(ChatNetwork.admin).local_index(localIndex);
    const wireKind = kind === "user" ? { User: null } : { Group: null };
    ok(await admin.stage_module_chunk({ kind: wireKind, index: 0, chunk: wasm }));
    ok(await admin.activate_module({ kind: wireKind, version, chunks: 1, sha256: createHash("sha256").update(wasm).digest() }));
  }

  private releases = 1;

  /** A new release of the children everywhere: the same code with another custom section, so another hash. */
  async release(kind: "user" | "group", localIndexes = this.localIndexes): Promise<void> {
    const version = ++this.releases;
    const wasm = Uint8Array.from([...moduleOf(kind), 0, 4, 2, 0x76, 0x40 + (version % 60), version & 0x7f]);
    for (const localIndex of localIndexes) await this.activate(localIndex, kind, wasm, version);
  }

  as(sender: Principal): { [K in Kind]: (canister: string | Principal) => Calls<Services[K]> } {
    const caller = (kind: Kind) => (canister: string | Principal) =>
      new Proxy({}, { get: (_, name) => (...args: unknown[]) => this.call(sender, kind, String(canister), String(name), args) });
    return { user: caller("user"), group: caller("group"), local_index: caller("local_index"), user_index: caller("user_index") } as never;
  }

  private async call(sender: Principal, kind: Kind, canister: string, name: string, args: unknown[]): Promise<unknown> {
    const func = method(kind, name);
    const bytes = new Uint8Array(IDL.encode(func.argTypes, args));
    const isQuery = func.annotations.some((annotation) => annotation === "query" || annotation === "composite_query");
    const outcome = isQuery ? await this.net.query(canister, name, bytes, { sender }) : await this.net.update(canister, name, bytes, { sender });
    if (outcome.kind === "reject") throw new Rejected(name, outcome.code, outcome.message);
    return IDL.decode(func.retTypes, expectReply(outcome))[0];
  }

  private people = 0;

  /** A person without an account. */
  stranger(): Principal {
    this.people++;
    return Principal.selfAuthenticating(new Uint8Array([9, this.people >> 8, this.people & 255]));
  }

  /** A registered person. */
  async person(username: string): Promise<Person> {
    const sender = this.stranger();
    const account = ok(await this.as(sender).user_index(this.userIndex).register_user({ username }));
    return new Person(this, sender, account);
  }

  /** Stops or starts a canister. Stopping waits for its open calls, so it is not awaited. */
  async power(way: "stop" | "start", canister: string | Principal, controller: Principal): Promise<void> {
    const id = typeof canister === "string" ? Principal.fromText(canister) : canister;
    const arg = new Uint8Array(IDL.encode([IDL.Record({ canister_id: IDL.Principal })], [{ canister_id: id }]));
    const options = { sender: controller, effective: id };
    const to = Principal.managementCanister();
    if (way === "start") return void expectReply(await this.net.update(to, "start_canister", arg, options));
    await this.net.submit(to, "stop_canister", arg, options);
    await this.net.tick(3);
  }

  async stop(): Promise<void> {
    await this.net.stop();
  }
}

export function encodeInit(kind: Kind, args: unknown[]): Uint8Array {
  const init = inits[kind];
  return new Uint8Array(IDL.encode([init], args));
}
const inits: Record<Kind, IDL.Type> = {
  user_index: IDL.Record({ governance: IDL.Opt(IDL.Principal), registrations: IDL.Opt(IDL.Record({ burst: IDL.Nat32, per_hour: IDL.Nat32 })) }),
  local_index: IDL.Record({ user_index: IDL.Principal, pool_target: IDL.Nat16 }),
  user: IDL.Record({ user_index: IDL.Principal, local_index: IDL.Principal }),
  group: IDL.Record({ user_index: IDL.Principal, local_index: IDL.Principal }),
};

/** The Ok of a result; an Err fails the test with its content. */
export function ok<R extends object>(result: R): R extends { Ok: infer V } ? V : never {
  if ("Ok" in result) return result.Ok as never;
  throw new Error(`expected Ok, got ${JSON.stringify(result, (_, value: unknown) => (typeof value === "bigint" ? `${value}` : value))}`);
}

/** Name of the Err of a result. */
export function errorOf(result: object): string {
  if (!("Err" in result)) throw new Error("expected Err, got Ok");
  return typeof result.Err === "string" ? result.Err : Object.keys(result.Err as object)[0]!;
}

let nextMessageId = 1n;
export const messageId = (): bigint => nextMessageId++;

export class Person {
  readonly network: ChatNetwork;
  readonly sender: Principal;
  readonly account: CurrentUser;

  constructor(network: ChatNetwork, sender: Principal, account: CurrentUser) {
    this.network = network;
    this.sender = sender;
    this.account = account;
  }

  get id(): Principal {
    return this.account.user_id;
  }

  /** Own user canister. */
  get user(): Calls<UserService> {
    return this.network.as(this.sender).user(this.id);
  }

  get index(): Calls<UserIndexService> {
    return this.network.as(this.sender).user_index(this.network.userIndex);
  }

  group(id: Principal): Calls<GroupService> {
    return this.network.as(this.sender).group(id);
  }

  async say(to: Person, text: string, options: { id?: bigint; repliesTo?: bigint } = {}): Promise<bigint> {
    const id = options.id ?? messageId();
    ok(await this.user.send_message({ recipient: to.id, message_id: id, text, replies_to: options.repliesTo === undefined ? [] : [options.repliesTo] }));
    return id;
  }

  /** All of one's state, paged from version 0. */
  async everything(): Promise<UserUpdates> {
    let since = 0n;
    let all: UserUpdates | undefined;
    for (;;) {
      const [page] = await this.user.updates({ since, on_behalf_of: [] });
      if (page === undefined) break;
      all = all === undefined ? page : { ...page, profile: page.profile.length > 0 ? page.profile : all.profile, blocked: page.blocked.length > 0 ? page.blocked : all.blocked, chats: [...all.chats, ...page.chats], groups: [...all.groups, ...page.groups] };
      since = page.version;
      if (!page.more) break;
    }
    return all ?? { version: since, more: false, profile: [], blocked: [], chats: [], groups: [] };
  }

  async chatWith(them: Person): Promise<UserUpdates["chats"][number]["summary"] | undefined> {
    return (await this.everything()).chats.findLast((chat) => chat.summary.them.toText() === them.id.toText())?.summary;
  }

  /** Events of a direct chat in order. */
  async events(them: Person): Promise<Event[]> {
    const result = await this.user.events({ them: them.id, from: 0, ascending: true, max: 100 });
    return "Ok" in result ? result.Ok : [];
  }

  /** Texts of a direct chat in order; deleted messages as "∅". */
  async texts(them: Person): Promise<string[]> {
    return (await this.events(them)).flatMap((event) => textOf(event));
  }

  async createGroup(name: string, invite: Person[] = []): Promise<Principal> {
    const result = await this.user.create_group({ name, description: "", invite: invite.map((person) => person.id), request_id: messageId() });
    return ok(result).group_id;
  }

  async groupTexts(group: Principal): Promise<string[]> {
    const events = ok(await this.group(group).events({ from: 0, ascending: true, max: 100 }));
    return events.flatMap((event) => textOf(event));
  }

  async sayInGroup(group: Principal, text: string, id = messageId()): Promise<bigint> {
    ok(await this.group(group).send_message({ message_id: id, text, replies_to: [] }));
    return id;
  }

  /** One sync round at the local index of a subnet, decoded. A group without its stamp is asked itself. */
  async sync(localIndex: string, args: { user?: bigint; groups?: [Principal, bigint, ([] | [bigint])?][] }): Promise<{ user?: UserUpdates | undefined; groups: Map<string, GroupUpdates>; failed: Map<string, string> }> {
    const response = await this.network.as(this.sender).local_index(localIndex).updates({
      user: args.user === undefined ? [] : [{ user_id: this.id, since: args.user }],
      groups: (args.groups ?? []).map(([group_id, since, stamp]) => ({ group_id, since, stamp: stamp ?? [] })),
    });
    const user = response.user[0] === undefined ? undefined : (IDL.decode(method("user", "updates").retTypes, Uint8Array.from(response.user[0]))[0] as [] | [UserUpdates])[0];
    const groups = new Map<string, GroupUpdates>();
    for (const { group_id, updates } of response.groups) {
      const result = IDL.decode(method("group", "updates").retTypes, Uint8Array.from(updates))[0] as unknown as GroupUpdatesResult;
      const [changed] = ok(result) as [] | [GroupUpdates];
      if (changed !== undefined) groups.set(group_id.toText(), changed);
    }
    return { user, groups, failed: new Map(response.failed.map(({ group_id, reason }) => [group_id.toText(), Object.keys(reason)[0]!])) };
  }
}

function textOf(event: Event | GroupEvent): string[] {
  if (!("Message" in event.kind)) return [];
  const { content } = event.kind.Message;
  return ["Text" in content ? content.Text.text : "∅"];
}
