/**
 * `npm run call -w backend -- <canister> <method> '<JSON array of arguments>'`: calls a canister on
 * the running network, by the name under which it was installed, and prints the answer.
 *
 * JSON stands for Candid as @dfinity/agent's types do: numbers and strings of digits for nat and
 * int, text for principals, arrays of 0 or 1 elements for opt, {"Case": content} for variants.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Actor, AgentError, HttpAgent } from '@dfinity/agent';
import { IDL } from '@dfinity/candid';
import { Principal } from '@dfinity/principal';
import { BACKEND } from '../bindgen/bindgen.ts';
import { DeploymentStore } from '../deploy/deployment.ts';
import { runningNetwork, STATE_FOLDER } from './local-network.ts';

/** JSON value → value of the type, as @dfinity/candid wants it. */
function fromJson(json: unknown, type: IDL.Type): unknown {
  const t = type instanceof IDL.RecClass ? (type.getType() as IDL.Type) : type;
  const inner = (t as unknown as { _type?: IDL.Type })._type;
  const fields = (t as unknown as { _fields?: [string, IDL.Type][] })._fields;
  if (t instanceof IDL.PrincipalClass || t instanceof IDL.ServiceClass) return Principal.fromText(String(json));
  if (t instanceof IDL.NatClass || t instanceof IDL.IntClass) return BigInt(json as string);
  if (t instanceof IDL.FixedNatClass || t instanceof IDL.FixedIntClass) return t._bits === 64 ? BigInt(json as string) : Number(json);
  if ((t instanceof IDL.OptClass || t instanceof IDL.VecClass) && inner !== undefined) return (json as unknown[]).map((x) => fromJson(x, inner));
  if (t instanceof IDL.TupleClass && fields) return (json as unknown[]).map((x, i) => fromJson(x, fields[i]?.[1] ?? IDL.Null));
  if (t instanceof IDL.VariantClass && fields) {
    const [name, content] = Object.entries(json as object)[0] ?? [];
    return { [String(name)]: fromJson(content, fields.find((f) => f[0] === name)?.[1] ?? IDL.Null) };
  }
  if (t instanceof IDL.RecordClass && fields) return Object.fromEntries(fields.map(([name, f]) => [name, fromJson((json as Record<string, unknown>)[name], f)]));
  return json;
}

function toJson(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return value.toString();
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
  if (value !== null && typeof value === 'object' && '__principal__' in value) return (value as { __principal__: string }).__principal__;
  return value;
}

/** What somebody typed does not fit: the text is for them. */
class UsageError extends Error {}

interface Target { idlFactory: IDL.InterfaceFactory; method: string; args: unknown[] }

/** Reads the command line against the canister's interface. */
async function target(name: string, method: string, json: string): Promise<Target> {
  const file = join(BACKEND, 'declarations', name, `${name}.did.js`);
  if (name === '' || method === '') throw new UsageError("usage: npm run call -w backend -- <canister> <method> '<JSON array of arguments>'");
  if (!existsSync(file)) throw new UsageError(`there is no canister ${name}, or it has not been built: npm run build -w backend -- ${name}`);
  const { idlFactory } = (await import(pathToFileURL(file).href)) as { idlFactory: IDL.InterfaceFactory };
  const methods = new Map((idlFactory({ IDL }) as IDL.ServiceClass)._fields);
  const types = methods.get(method)?.argTypes;
  if (types === undefined) throw new UsageError(`${name} has no method ${method}; it has ${[...methods.keys()].join(', ')}`);
  const wanted = `${method} takes ${types.length === 0 ? 'no arguments' : `[${types.map((t) => t.display()).join(', ')}]`}`;
  let values: unknown;
  try {
    values = JSON.parse(json);
  } catch {
    throw new UsageError(`the arguments are not JSON (texts need quotes: '["Hello"]'): ${json}\n${wanted}`);
  }
  if (!Array.isArray(values) || values.length !== types.length) throw new UsageError(`the arguments must be a JSON array of ${types.length}\n${wanted}`);
  try {
    const args = values.map((x, i) => fromJson(x, types[i] ?? IDL.Null));
    IDL.encode(types, args);
    return { idlFactory, method, args };
  } catch (error) {
    throw new UsageError(`${error instanceof Error ? error.message.trim() : String(error)}\n${wanted}`);
  }
}

async function call({ idlFactory, method, args }: Target, name: string): Promise<unknown> {
  const network = await runningNetwork();
  if (network === undefined) throw new UsageError(`no network is running (looked in ${STATE_FOLDER})`);
  const store = new DeploymentStore(STATE_FOLDER);
  const known = store.load()?.canisters ?? {};
  const id = known[name];
  if (id === undefined) throw new UsageError(`${name} is not on the network; known: ${Object.keys(known).join(', ')}`);
  const agent = HttpAgent.createSync({ host: network.url, identity: store.deployer(), rootKey: network.rootKey });
  const actor = Actor.createActor(idlFactory, { agent, canisterId: id });
  return (actor[method] as (...a: unknown[]) => Promise<unknown>)(...args);
}

const [name = '', method = '', json = '[]'] = process.argv.slice(2);
try {
  const answer = await call(await target(name, method, json), name);
  // A method without results answers nothing, for which JSON has a word.
  console.log(JSON.stringify(answer ?? null, toJson));
} catch (error) {
  // A reject is an answer too: its text, without our stack.
  if (!(error instanceof UsageError || error instanceof AgentError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
