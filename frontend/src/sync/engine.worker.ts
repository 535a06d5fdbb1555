// The worker's entry: wires the real network to the engine host and answers its tab.

import { connectToNetwork } from '../agent/connect.ts';
import { ParleyDatabase } from '../db/database.ts';
import { RequestError } from '../domain/failure.ts';
import { createEngineHost } from './engine-host.ts';
import type { EngineRequest, EngineResponse } from './engine-rpc.ts';
import { openTabChannel } from './tab-channel.ts';

const db = new ParleyDatabase();
const host = createEngineHost({
  db,
  channel: openTabChannel(),
  clock: { now: () => Date.now(), random: () => Math.random() },
  connect: () => connectToNetwork(db),
});

addEventListener('message', (event: MessageEvent<EngineRequest>) => {
  const { id, method, args } = event.data;
  const answer = (response: EngineResponse): void => postMessage(response);
  const call = host[method] as (...args: unknown[]) => Promise<unknown>;
  call(...args).then(
    (ok) => answer({ id, ok }),
    (error: unknown) => {
      if (!(error instanceof RequestError)) console.error(error);
      const { code, detail } = error instanceof RequestError ? error : { code: 'unexpected' as const, detail: String(error) };
      answer({ id, failed: { code, detail } });
    },
  );
});
