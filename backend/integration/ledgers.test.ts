// The cycles ledger, the cycles minting canister and the ICP ledger, as the `icp` CLI uses them.

import { IDL } from "@dfinity/candid";
import { Principal } from "@dfinity/principal";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type EmbeddedNetwork, expectReply } from "../../replica/network/embed.ts";
import { startTestNetwork } from "../tools/testing/network.ts";
import { idlFactory as cmcIdl } from "../declarations/cycles_minting/cycles_minting.did.js";
import { idlFactory as cyclesIdl } from "../declarations/cycles_ledger/cycles_ledger.did.js";
import { idlFactory as icpIdl } from "../declarations/icp_ledger/icp_ledger.did.js";
import { errorOf, moduleOf, ok, T } from "./chat-network.ts";

const CYCLES_LEDGER = "um5iw-rqaaa-aaaaq-qaaba-cai";
const CMC = "rkp4c-7iaaa-aaaaa-aaaca-cai";
const ICP_LEDGER = "ryjl3-tyaaa-aaaaa-aaaba-cai";
const FEE = 100_000_000n;

let net: EmbeddedNetwork;
const ann = Principal.selfAuthenticating(new Uint8Array([1]));
const ben = Principal.selfAuthenticating(new Uint8Array([2]));
const account = (owner: Principal, subaccount: [] | [Uint8Array] = []) => ({ owner, subaccount });

const idls = { [CYCLES_LEDGER]: cyclesIdl, [CMC]: cmcIdl, [ICP_LEDGER]: icpIdl };
type Answer = { Ok: never } & { Err: never };

async function call(sender: Principal, canister: keyof typeof idls, name: string, ...args: unknown[]): Promise<Answer> {
  const service = (idls[canister] as unknown as (arg: { IDL: typeof IDL }) => IDL.ServiceClass)({ IDL });
  const func = service._fields.find(([field]) => field === name)![1];
  const bytes = new Uint8Array(IDL.encode(func.argTypes, args));
  const outcome = func.annotations.includes("query") ? await net.query(canister, name, bytes, { sender }) : await net.update(canister, name, bytes, { sender });
  return IDL.decode(func.retTypes, expectReply(outcome))[0] as Answer;
}
const initOf = (canister: keyof typeof idls, arg: unknown): Uint8Array => {
  const make = { [CYCLES_LEDGER]: IDL.Record({ initial_balances: IDL.Vec(IDL.Record({ account: Account, amount: IDL.Nat })) }), [ICP_LEDGER]: IDL.Record({ initial_balances: IDL.Vec(IDL.Record({ account: Account, e8s: IDL.Nat64 })) }), [CMC]: IDL.Record({ default_subnets: IDL.Vec(IDL.Principal), xdr_permyriad_per_icp: IDL.Nat64 }) };
  return new Uint8Array(IDL.encode([make[canister]!], [arg]));
};
const Account = IDL.Record({ owner: IDL.Principal, subaccount: IDL.Opt(IDL.Vec(IDL.Nat8)) });

beforeAll(async () => {
  net = await startTestNetwork({ subnets: [{ kind: "system" }, { kind: "application" }, { kind: "application" }] });
  const put = async (id: keyof typeof idls, module: string, cycles: bigint, arg: unknown): Promise<void> => {
    await net.createCanister({ subnet: 0, id, cycles });
    await net.install(id, moduleOf(module), initOf(id, arg));
  };
  await put(CYCLES_LEDGER, "cycles_ledger", 100_000n * T, { initial_balances: [{ account: account(ann), amount: 10_000n * T }] });
  await put(CMC, "cycles_minting", 100_000n * T, { default_subnets: net.subnets.slice(1).map((subnet) => Principal.fromText(subnet.id)), xdr_permyriad_per_icp: 50_000n });
  await put(ICP_LEDGER, "icp_ledger", 100n * T, { initial_balances: [{ account: account(ann), e8s: 1_000_000n * 100_000_000n }] });
}, 60_000);
afterAll(() => net.stop());

const balance = async (owner: Principal): Promise<bigint> => (await call(owner, CYCLES_LEDGER, "icrc1_balance_of", account(owner))) as unknown as bigint;

describe("cycles ledger", () => {
  test("moves cycles between accounts for a fee, once per creation time", async () => {
    const before = await balance(ann);
    const time = net.time.get();
    const transfer = { from_subaccount: [], to: account(ben), amount: 5n * T, fee: [], memo: [], created_at_time: [time] };
    const block = ok(await call(ann, CYCLES_LEDGER, "icrc1_transfer", transfer));
    expect(await call(ann, CYCLES_LEDGER, "icrc1_transfer", transfer)).toEqual({ Err: { Duplicate: { duplicate_of: block } } });
    expect(await balance(ann)).toBe(before - 5n * T - FEE);
    expect(await balance(ben)).toBe(5n * T);
  });

  test("refuses a wrong fee, too little money, times out of the window and bad subaccounts", async () => {
    const transfer = (change: object) => call(ben, CYCLES_LEDGER, "icrc1_transfer", { from_subaccount: [], to: account(ann), amount: 1n, fee: [], memo: [], created_at_time: [], ...change });
    expect(errorOf(await transfer({ fee: [1n] }))).toBe("BadFee");
    expect(errorOf(await transfer({ amount: 1_000_000n * T }))).toBe("InsufficientFunds");
    expect(errorOf(await transfer({ amount: 2n ** 200n }))).toBe("InsufficientFunds");
    expect(errorOf(await transfer({ created_at_time: [1n] }))).toBe("TooOld");
    expect(errorOf(await transfer({ created_at_time: [net.time.get() + 3_600_000_000_000n] }))).toBe("CreatedInFuture");
    expect(errorOf(await transfer({ from_subaccount: [new Uint8Array(31)] }))).toBe("GenericError");
  });

  test("makes canisters on any application subnet, controlled by who pays, idempotent by creation time", async () => {
    const made = new Set<string>();
    for (const subnet of net.subnets.slice(1)) {
      const arg = { from_subaccount: [], created_at_time: [net.time.get()], amount: 2n * T, creation_args: [{ subnet_selection: [{ Subnet: { subnet: Principal.fromText(subnet.id) } }], settings: [] }] };
      const before = await balance(ann);
      const { canister_id } = ok(await call(ann, CYCLES_LEDGER, "create_canister", arg)) as { canister_id: Principal };
      expect(await balance(ann)).toBe(before - 2n * T - FEE);
      const again = (await call(ann, CYCLES_LEDGER, "create_canister", arg)) as unknown as { Err: { Duplicate: { canister_id: [Principal] } } };
      expect(again.Err.Duplicate.canister_id[0].toText()).toBe(canister_id.toText());
      await net.install(canister_id.toText(), moduleOf("hello"), new Uint8Array(IDL.encode([], [])), { sender: ann });
      made.add(canister_id.toText());
    }
    expect(made.size).toBe(2);
  });

  test("gives the money back, less the fee, when no canister can be made", async () => {
    const before = await balance(ann);
    const nowhere = Principal.fromText(net.subnets[0]!.id);
    const arg = { from_subaccount: [], created_at_time: [], amount: 2n * T, creation_args: [{ subnet_selection: [{ Subnet: { subnet: nowhere } }], settings: [] }] };
    expect(errorOf(await call(ann, CYCLES_LEDGER, "create_canister", arg))).toBe("FailedToCreate");
    expect(await balance(ann)).toBe(before - FEE);
    const tooLittle = { ...arg, amount: 1_000n, creation_args: [] };
    expect(errorOf(await call(ann, CYCLES_LEDGER, "create_canister", tooLittle))).toBe("FailedToCreate");
    expect(await balance(ann)).toBe(before - 2n * FEE);
  });

  test("withdraws to canisters, and credits again what they cannot take", async () => {
    const before = await balance(ann);
    const withdraw = (to: Principal) => call(ann, CYCLES_LEDGER, "withdraw", { from_subaccount: [], to, created_at_time: [], amount: T });
    ok(await withdraw(Principal.fromText(CMC)));
    expect(await balance(ann)).toBe(before - T - FEE);
    expect(errorOf(await withdraw(Principal.fromText("g3wsl-eqaaa-aaaan-aaaaa-cai")))).toBe("FailedToWithdraw");
    expect(await balance(ann)).toBe(before - T - 2n * FEE);
    expect(errorOf(await withdraw(ben))).toBe("InvalidReceiver");
  });
});

describe("cycles minting canister", () => {
  test("names the application subnets and a rate with its proof", async () => {
    const subnets = (await call(ann, CMC, "get_default_subnets")) as unknown as Principal[];
    expect(subnets.map(String)).toEqual(net.subnets.slice(1).map((subnet) => subnet.id));
    const rate = (await call(ann, CMC, "get_icp_xdr_conversion_rate")) as unknown as { data: { xdr_permyriad_per_icp: bigint }; certificate: Uint8Array; hash_tree: Uint8Array };
    expect(rate.data.xdr_permyriad_per_icp).toBe(50_000n);
    expect(rate.certificate.length).toBeGreaterThan(100);
    expect(rate.hash_tree.length).toBeGreaterThan(10);
  });
});

describe("ICP ledger", () => {
  test("moves ICP by account identifier and by account alike", async () => {
    const to = (await call(ann, ICP_LEDGER, "account_identifier", account(ben))) as unknown as Uint8Array;
    const transfer = { memo: 7n, amount: { e8s: 100n }, fee: { e8s: 10_000n }, from_subaccount: [], to, created_at_time: [] };
    ok(await call(ann, ICP_LEDGER, "transfer", transfer));
    expect(await call(ann, ICP_LEDGER, "account_balance", { account: to })).toEqual({ e8s: 100n });
    ok(await call(ann, ICP_LEDGER, "icrc1_transfer", { from_subaccount: [], to: account(ben), amount: 5n, fee: [10_000n], memo: [], created_at_time: [] }));
    expect(await call(ann, ICP_LEDGER, "icrc1_balance_of", account(ben))).toBe(105n);
    expect(errorOf(await call(ann, ICP_LEDGER, "transfer", { ...transfer, fee: { e8s: 1n } }))).toBe("BadFee");
    expect(errorOf(await call(ben, ICP_LEDGER, "transfer", { ...transfer, amount: { e8s: 1_000n } }))).toBe("InsufficientFunds");
  });
});
