// A tab's end of its engine: the same methods, over a worker.

import { RequestError } from '../domain/failure.ts';
import type { EngineMethods, EngineResponse } from './engine-rpc.ts';

export type EngineClient = EngineMethods;

const METHODS: Record<keyof EngineMethods, true> = {
  start: true,
  stop: true,
  checkUsername: true,
  register: true,
  searchUsers: true,
  setProfile: true,
  createGroup: true,
  acceptInvite: true,
  declineInvite: true,
  leaveGroup: true,
  inviteUsers: true,
  removeMember: true,
  updateGroup: true,
  changeRole: true,
  blockUser: true,
  unblockUser: true,
  refreshPerson: true,
};

export function engineOver(worker: Worker): EngineClient {
  let lastId = 0;
  const waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>();
  worker.addEventListener('message', (event: MessageEvent<EngineResponse>) => {
    const response = event.data;
    const caller = waiting.get(response.id);
    waiting.delete(response.id);
    if ('ok' in response) caller?.resolve(response.ok);
    else caller?.reject(new RequestError(response.failed.code, response.failed.detail));
  });
  // A worker that cannot start or dies would otherwise leave its callers waiting for ever.
  worker.addEventListener('error', (event) => {
    for (const caller of waiting.values()) caller.reject(new RequestError('unexpected', event.message));
    waiting.clear();
  });
  const call = (method: keyof EngineMethods, args: unknown[]): Promise<unknown> =>
    new Promise((resolve, reject) => {
      lastId += 1;
      waiting.set(lastId, { resolve, reject });
      worker.postMessage({ id: lastId, method, args });
    });
  const methods = Object.keys(METHODS) as (keyof EngineMethods)[];
  return Object.fromEntries(methods.map((method) => [method, (...args: unknown[]) => call(method, args)])) as unknown as EngineClient;
}
