/**
 * A canister on the embedded network, called through its Candid interface: arguments and results are
 * JavaScript values as @dfinity/candid has them, and every call names its sender.
 */
import { readFile } from 'node:fs/promises';
import { IDL } from '@dfinity/candid';
import { buildAll } from '../builder/build.ts';
import { expectReply } from '../../../replica/network/embed.ts';
import type { EmbeddedNetwork, PrincipalLike } from '../../../replica/network/embed.ts';
import { fileURLToPath } from 'node:url';

const BACKEND = fileURLToPath(new URL('../..', import.meta.url));

type Interface = (tools: { IDL: typeof IDL }) => IDL.ServiceClass;

/** The module of backend/canisters/<name>, generated and built if its sources have changed. */
export async function moduleOf(name: string): Promise<Uint8Array> {
  await buildAll({ names: [name] });
  return new Uint8Array(await readFile(`${BACKEND}/build/${name}.wasm`));
}

export class CandidCanister {
  readonly #methods: Map<string, IDL.FuncClass>;
  readonly network: EmbeddedNetwork;
  readonly id: string;

  constructor(network: EmbeddedNetwork, id: string, interfaceFactory: unknown) {
    this.network = network;
    this.id = id;
    this.#methods = new Map((interfaceFactory as Interface)({ IDL })._fields);
  }

  /** Calls a method, as a query if it is one, and gives its results: one as itself, several as an array. Throws `RejectError`. */
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- results are what the interface says
  async call(method: string, args: unknown[], sender?: PrincipalLike): Promise<any> {
    const func = this.#methods.get(method);
    if (func === undefined) throw new Error(`no method ${method}`);
    const arg = new Uint8Array(IDL.encode(func.argTypes, args));
    const isQuery = func.annotations.includes('query') || func.annotations.includes('composite_query');
    const options = sender === undefined ? {} : { sender };
    const outcome = isQuery ? await this.network.query(this.id, method, arg, options) : await this.network.update(this.id, method, arg, options);
    // A copy: the library reads a view into a larger buffer from the buffer's beginning.
    const results = IDL.decode(func.retTypes, expectReply(outcome).slice());
    return results.length === 1 ? results[0] : results;
  }
}
