/** A canister's log as its controllers read it. */
import { IDL } from '@dfinity/candid';
import { Principal } from '@dfinity/principal';
import type { EmbeddedNetwork } from '../../../replica/network/embed.ts';
import { expectReply } from '../../../replica/network/embed.ts';

const Id = IDL.Record({ canister_id: IDL.Principal });
const Logs = IDL.Record({ canister_log_records: IDL.Vec(IDL.Record({ idx: IDL.Nat64, timestamp_nanos: IDL.Nat64, content: IDL.Vec(IDL.Nat8) })) });

/** The lines still kept, oldest first, by the management canister's `fetch_canister_logs`. */
export async function logLines(net: EmbeddedNetwork, canister: string): Promise<string[]> {
  const arg = new Uint8Array(IDL.encode([Id], [{ canister_id: Principal.fromText(canister) }]));
  const reply = expectReply(await net.query('aaaaa-aa', 'fetch_canister_logs', arg, { effective: canister }));
  const [{ canister_log_records: records }] = IDL.decode([Logs], reply) as unknown as [{ canister_log_records: { content: Uint8Array }[] }];
  return records.map(({ content }) => new TextDecoder('utf-8', { fatal: true }).decode(content));
}
