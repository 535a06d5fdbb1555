/**
 * `npm run call -w backend -- <canister> <method> '<JSON array of arguments>'`: calls a canister on
 * the running network, by the name under which it was installed or by its id, and prints the answer.
 *
 * JSON stands for Candid as @dfinity/agent's types do: numbers and strings of digits for nat and
 * int, text for principals, arrays of 0 or 1 elements for opt, {"Case": content} for variants.
 */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Actor, HttpAgent } from '@dfinity/agent';
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

const [name = '', method = '', json = '[]'] = process.argv.slice(2);
const network = await runningNetwork();
if (network === undefined) {
  console.error(`no network is running (looked in ${STATE_FOLDER})`);
  process.exit(1);
}
const store = new DeploymentStore(STATE_FOLDER);
const module = (await import(pathToFileURL(join(BACKEND, 'declarations', name, `${name}.did.js`)).href)) as { idlFactory: IDL.InterfaceFactory };
const id = store.load()?.canisters[name];
if (id === undefined) {
  console.error(`${name} is not on the network; known: ${Object.keys(store.load()?.canisters ?? {}).join(', ')}`);
  process.exit(1);
}
const agent = HttpAgent.createSync({ host: network.url, identity: store.deployer(), rootKey: network.rootKey });
const actor = Actor.createActor(module.idlFactory, { agent, canisterId: id });
const types = (module.idlFactory({ IDL }) as IDL.ServiceClass)._fields.find(([n]) => n === method)?.[1].argTypes;
if (types === undefined) {
  console.error(`${name} has no method ${method}`);
  process.exit(1);
}
const args = (JSON.parse(json) as unknown[]).map((x, i) => fromJson(x, types[i] ?? IDL.Null));
console.log(JSON.stringify(await (actor[method] as (...a: unknown[]) => Promise<unknown>)(...args), toJson));
