// Puts every canister and both sites on a network, and brings an earlier deployment up to date. Safe to
// repeat: what is there and current is left alone.

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Actor, HttpAgent } from "@dfinity/agent";
import { IDL } from "@dfinity/candid";
import { Principal } from "@dfinity/principal";
import type { Deployment, DeploymentStore } from "./deployment.ts";
import { writeWhole } from "./deployment.ts";
import { Management, sha256Hex } from "./management.ts";
import type { Progress } from "./progress.ts";
import { siteFiles, siteHash, uploadSite } from "./site.ts";
import { verifyBls } from "./verify.ts";

const backend = join(import.meta.dirname, "..", "..");
/** The built sites, a folder each; a test deploys another version from elsewhere. */
const sitesFolder = process.env["PARLEY_SITES"] || join(backend, "..", "frontend", "dist");

/** Where the official service lives; clients and wallets know this id. */
const INTERNET_IDENTITY = Principal.fromText("rdmx6-jaaaa-aaaaa-aaadq-cai");

/** Host names of the two sites: `http://<name>.localhost:<port>`. */
export const SITE_HOSTS = { app: "parley", identity: "id" } as const;
type Site = keyof typeof SITE_HOSTS;

const TRILLION = 1_000_000_000_000n;
/** Enough that nothing of a fresh local network runs dry; a local index pays for its children. */
const CYCLES = { service: 100n * TRILLION, localIndex: 100_000n * TRILLION };
/** Canisters of each kind that a local index keeps ready. */
const POOL_TARGET = 5;

export interface NetworkInfo {
  url: string;
  port: number;
  rootKey: Uint8Array;
  /** `defaultEffectiveCanisterId` lies in the ranges where the subnet allocates ids by itself. */
  subnets: { id: string; kind: string; defaultEffectiveCanisterId: string }[];
}

const module = (name: string): Uint8Array => readFileSync(join(backend, "build", `${name}.wasm`));

const LocalIndexInit = IDL.Record({ user_index: IDL.Principal, pool_target: IDL.Nat16 });
const UserIndexInit = IDL.Record({ governance: IDL.Opt(IDL.Principal) });

export class Deployer {
  private readonly agent: HttpAgent;
  private readonly management: Management;
  private readonly network: NetworkInfo;
  private readonly store: DeploymentStore;
  private readonly progress: Progress;
  private readonly deployment: Deployment;

  constructor(network: NetworkInfo, store: DeploymentStore, progress: Progress) {
    this.network = network;
    this.store = store;
    this.progress = progress;
    this.agent = HttpAgent.createSync({ host: network.url, identity: store.deployer(), rootKey: network.rootKey });
    this.management = new Management(this.agent);
    this.deployment = store.load() ?? { port: network.port, canisters: {}, sites: {} };
    this.deployment.port = network.port;
  }

  async run(): Promise<Deployment> {
    const root = this.network.subnets.find((subnet) => subnet.kind === "system") ?? this.network.subnets[0]!;
    const application = this.network.subnets.filter((subnet) => subnet.kind === "application");
    const systemId = Principal.fromText(root.defaultEffectiveCanisterId);

    const userIndex = await this.canister("user_index", systemId, CYCLES.service, IDL.encode([UserIndexInit], [{ governance: [] }]));
    await this.canister("internet_identity", INTERNET_IDENTITY, CYCLES.service, IDL.encode([IDL.Opt(IDL.Null)], [[]]), INTERNET_IDENTITY);
    for (const subnet of application) {
      const near = Principal.fromText(subnet.defaultEffectiveCanisterId);
      const arg = IDL.encode([LocalIndexInit], [{ user_index: userIndex, pool_target: POOL_TARGET }]);
      const localIndex = await this.canister(`local_index:${subnet.id}`, near, CYCLES.localIndex, arg);
      await this.children(localIndex, subnet.id);
      await this.addLocalIndex(userIndex, localIndex);
    }
    for (const site of Object.keys(SITE_HOSTS) as Site[]) await this.site(site, systemId);
    this.writeHostAliases();
    this.store.save(this.deployment);
    return this.deployment;
  }

  /** Creates, installs or upgrades one canister. `name` before a colon names its module. */
  private async canister(name: string, near: Principal, cycles: bigint, arg: Uint8Array, at?: Principal, moduleName = name.split(":")[0]!): Promise<Principal> {
    const wasm = module(moduleName);
    const known = this.deployment.canisters[name];
    const label = name.includes(":") ? `${moduleName} on ${name.slice(name.indexOf(":") + 1, name.indexOf(":") + 6)}…` : name;
    if (known !== undefined) {
      const id = Principal.fromText(known);
      const installed = await this.management.moduleHash(id);
      if (installed === sha256Hex(wasm)) return id;
      await this.progress.step(`${installed === undefined ? "Install" : "Upgrade"} ${label}`, () =>
        this.management.install(id, wasm, arg, installed === undefined ? "install" : "upgrade"),
      );
      return id;
    }
    return this.progress.step(`Deploy ${label}`, async () => {
      const id = await this.management.create(near, cycles, at);
      this.deployment.canisters[name] = id.toText();
      // At once: a kill between creating and installing must not leave a canister that nobody remembers.
      this.store.save(this.deployment);
      await this.management.install(id, wasm, arg, "install");
      return id;
    });
  }

  /** Gives a local index the current modules of its children; it upgrades them by itself. */
  private async children(localIndex: Principal, subnet: string): Promise<void> {
    const actor = Actor.createActor<LocalIndexService>(localIndexIdl, { agent: this.agent, canisterId: localIndex, blsVerify: verifyBls });
    const status = await actor.status();
    for (const kind of ["User", "Group"] as const) {
      const wasm = module(kind.toLowerCase());
      const sha256 = createHash("sha256").update(wasm).digest();
      const current = status.children.find((child) => kind in child.kind);
      if (current !== undefined && Buffer.compare(Buffer.from(current.sha256), sha256) === 0) continue;
      await this.progress.step(`Hand ${kind.toLowerCase()} module to the local index on ${subnet.slice(0, 5)}…`, async () => {
        const wireKind = kind === "User" ? { User: null } : { Group: null };
        let index = 0;
        for (let at = 0; at < wasm.length; at += 1_000_000) {
          orThrow(await actor.stage_module_chunk({ kind: wireKind, index: index++, chunk: wasm.subarray(at, at + 1_000_000) }));
        }
        orThrow(await actor.activate_module({ kind: wireKind, version: (current?.version ?? 0) + 1, chunks: index, sha256 }));
      });
    }
  }

  private async addLocalIndex(userIndex: Principal, localIndex: Principal): Promise<void> {
    const actor = Actor.createActor<UserIndexService>(userIndexIdl, { agent: this.agent, canisterId: userIndex, blsVerify: verifyBls });
    const known = await actor.local_indexes();
    if (known.some((entry) => entry.local_index.toText() === localIndex.toText())) return;
    orThrow(await actor.add_local_index(localIndex));
  }

  private async site(site: Site, near: Principal): Promise<void> {
    const canister = await this.canister(`${site}_assets`, near, CYCLES.service, IDL.encode([], []), undefined, "assets");
    const config = {
      network: "local",
      rootKey: Buffer.from(this.network.rootKey).toString("hex"),
      apiHost: "",
      userIndex: this.deployment.canisters["user_index"],
      identityCanister: this.deployment.canisters["internet_identity"],
      identityUrl: `http://${SITE_HOSTS.identity}.localhost:${this.network.port}`,
    };
    const files = [
      ...siteFiles(join(sitesFolder, site)),
      { path: "/parley-config.json", content: Buffer.from(`${JSON.stringify(config)}\n`) },
    ];
    const hash = siteHash(files);
    if (this.deployment.sites[site] === hash) return;
    await this.progress.step(`Upload the ${site === "app" ? "app" : "identity page"} (${files.length} files)`, () => uploadSite(this.agent, canister, files));
    this.deployment.sites[site] = hash;
    this.store.save(this.deployment);
  }

  /** The gateway reads this file: friendly names for the two sites. */
  private writeHostAliases(): void {
    const aliases = Object.fromEntries(
      (Object.entries(SITE_HOSTS) as [Site, string][]).map(([site, host]) => [host, this.deployment.canisters[`${site}_assets`]]),
    );
    writeWhole(join(this.store.networkFolder, "host-aliases.json"), `${JSON.stringify(aliases)}\n`, 0o644);
  }
}

type AdminResult = { Ok: null } | { Err: string };
function orThrow(result: AdminResult): void {
  if ("Err" in result) throw new Error(result.Err);
}

const adminResult = IDL.Variant({ Ok: IDL.Null, Err: IDL.Text });
const childKind = IDL.Variant({ User: IDL.Null, Group: IDL.Null });
type ChildKind = { User: null } | { Group: null };

interface LocalIndexService {
  status(): Promise<{ children: { kind: ChildKind; version: number; sha256: Uint8Array }[] }>;
  stage_module_chunk(arg: { kind: ChildKind; index: number; chunk: Uint8Array }): Promise<AdminResult>;
  activate_module(arg: { kind: ChildKind; version: number; chunks: number; sha256: Uint8Array }): Promise<AdminResult>;
}
const localIndexIdl: IDL.InterfaceFactory = () =>
  IDL.Service({
    status: IDL.Func([], [IDL.Record({ children: IDL.Vec(IDL.Record({ kind: childKind, version: IDL.Nat32, sha256: IDL.Vec(IDL.Nat8) })) })], ["query"]),
    stage_module_chunk: IDL.Func([IDL.Record({ kind: childKind, index: IDL.Nat32, chunk: IDL.Vec(IDL.Nat8) })], [adminResult], []),
    activate_module: IDL.Func([IDL.Record({ kind: childKind, version: IDL.Nat32, chunks: IDL.Nat32, sha256: IDL.Vec(IDL.Nat8) })], [adminResult], []),
  });

interface UserIndexService {
  local_indexes(): Promise<{ local_index: Principal; users: number }[]>;
  add_local_index(id: Principal): Promise<AdminResult>;
}
const userIndexIdl: IDL.InterfaceFactory = () =>
  IDL.Service({
    local_indexes: IDL.Func([], [IDL.Vec(IDL.Record({ local_index: IDL.Principal, users: IDL.Nat32 }))], ["query"]),
    add_local_index: IDL.Func([IDL.Principal], [adminResult], []),
  });
