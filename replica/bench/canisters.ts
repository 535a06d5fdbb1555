/** Canisters for the measurements, put onto a running replica. */
import wabtInit from 'wabt';
import { createCanisterCall, createdCanister, installCalls } from '../network/management-calls.ts';
import type { InstallChoices } from '../network/management-calls.ts';
import { decodeCbor, asMap } from '../codec/cbor.ts';
import { decodeCertificate } from '../codec/certificate.ts';
import { children, label, lookup, lookupLeaf } from '../codec/hash-tree.ts';
import { utf8Decode } from '../codec/bytes.ts';
import { Principal } from '../types/principal.ts';
import { User } from './envelopes.ts';

/** `inc` adds one to a counter and replies; `get` replies with it; `relay` calls `inc` of the canister given. */
const SOURCE = `(module
  (import "ic0" "msg_arg_data_copy" (func $arg (param i32 i32 i32)))
  (import "ic0" "call_new" (func $new (param i32 i32 i32 i32 i32 i32 i32 i32)))
  (import "ic0" "call_perform" (func $perform (result i32)))
  (import "ic0" "msg_reply" (func $reply))
  (import "ic0" "msg_reply_data_append" (func $append (param i32 i32)))
  (memory 1)
  (table funcref (elem $done))
  (data (i32.const 0) "inc")
  (func $answer (call $append (i32.const 8) (i32.const 4)) (call $reply))
  (func (export "canister_update inc")
    (i32.store (i32.const 8) (i32.add (i32.load (i32.const 8)) (i32.const 1)))
    (call $answer))
  (func (export "canister_query get") (call $answer))
  (func (export "canister_update relay")
    (call $arg (i32.const 100) (i32.const 0) (i32.const 10))
    (call $new (i32.const 100) (i32.const 10) (i32.const 0) (i32.const 3) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0))
    (if (call $perform) (then unreachable)))
  (func $done (param i32) (call $answer)))`;

export async function smallModule(): Promise<Uint8Array> {
  const wabt = await wabtInit();
  return wabt.parseWat('small.wat', SOURCE).toBinary({}).buffer;
}

/** A user who waits for each call. */
export class Caller {
  readonly user = new User();
  readonly #url: string;

  constructor(url: string) {
    this.#url = url;
  }

  /** The reply; throws with the reject otherwise. */
  async call(canister: string, method: string, arg: Uint8Array, effective = canister): Promise<Uint8Array> {
    const body = this.user.request('call', canister, method, arg);
    const response = await fetch(`${this.#url}/api/v3/canister/${effective}/call`, {
      method: 'POST',
      headers: { 'content-type': 'application/cbor' },
      body,
    });
    if (response.status !== 200) throw new Error(`${method}: ${response.status} ${await response.text()}`);
    return replyOf(new Uint8Array(await response.arrayBuffer()));
  }

  async createCanister(effective: string): Promise<string> {
    const { method, arg } = createCanisterCall({ cycles: 100_000_000_000_000n, controllers: [Principal.fromBytes(this.user.sender)] });
    return createdCanister(await this.call('aaaaa-aa', method, arg, effective));
  }

  async install(canister: string, wasm: Uint8Array, choices: InstallChoices = {}): Promise<void> {
    for (const { method, arg } of installCalls(Principal.fromText(canister), wasm, new Uint8Array(0), choices)) {
      await this.call('aaaaa-aa', method, arg, canister);
    }
  }
}

/** The reply in the certificate of a synchronous call's answer. */
export function replyOf(answer: Uint8Array): Uint8Array {
  const fields = asMap(decodeCbor(answer))!;
  if (!(fields['certificate'] instanceof Uint8Array)) throw new Error(`rejected: ${String(fields['reject_message'])}`);
  const { tree } = decodeCertificate(fields['certificate']);
  const statuses = lookup(tree, [label('request_status')]);
  if (statuses.kind !== 'found') throw new Error('no status in the certificate');
  for (const child of children(statuses.tree)) {
    const reply = lookupLeaf(child.sub, [label('reply')]);
    if (reply) return reply;
    const message = lookupLeaf(child.sub, [label('reject_message')]);
    if (message) throw new Error(`rejected: ${utf8Decode(message)}`);
  }
  throw new Error('no reply in the certificate');
}
