// What runs in the worker, free of anything worker-like: sessions come and go, and with them the backend
// and the engine. Requests with an answer are served in any tab; syncing only in the one that leads.

import type { ParleyDatabase, SessionState } from '../db/database.ts';
import type { Me } from '../domain/chat.ts';
import { RequestError } from '../domain/failure.ts';
import { groupChatId, type GroupId, type UserId } from '../domain/ids.ts';
import type { ChatBackend } from './backend-port.ts';
import type { EngineMethods } from './engine-rpc.ts';
import { SyncEngine } from './engine.ts';
import { leadWhenFree } from './leader.ts';
import type { Clock } from './outbox-sender.ts';
import { NAME_OF_SPEAKER_OLD_MS, PeopleKeeper } from './people-keeper.ts';
import { dropChat, newGroupChat, reducerStores } from './reducer.ts';
import type { TabChannel } from './tab-channel.ts';

export interface HostPorts {
  db: ParleyDatabase;
  channel: TabChannel;
  clock: Clock;
  /** `null` when nobody is signed in, or the session has run out. */
  connect(): Promise<ChatBackend | null>;
}

export function createEngineHost({ db, channel, clock, connect }: HostPorts): EngineMethods {
  let backend: ChatBackend | null = null;
  let leading: AbortController | null = null;

  const network = (): ChatBackend => {
    if (!backend) throw new RequestError('session-expired');
    return backend;
  };
  const whoAmI = async (): Promise<Me> => {
    const me = await db.getMeta('me');
    if (!me) throw new RequestError('session-expired');
    return me;
  };
  const poke = (): void => channel.post({ kind: 'poke' });

  let engine: SyncEngine | null = null;
  const lead = (me: Me, via: ChatBackend): void => {
    leading?.abort();
    const turn = new AbortController();
    leading = turn;
    void leadWhenFree('parley-engine', turn.signal, () => {
      engine = new SyncEngine(db, via, me, channel, clock);
      engine.start();
      return () => {
        engine?.stop();
        engine = null;
      };
    });
  };
  const pokeAll = (): void => {
    engine?.poke();
    poke();
  };

  /** By my own will: nothing is left to read. */
  const drop = (group: GroupId): Promise<void> =>
    db.transaction('rw', [...reducerStores(db)], () => dropChat(db, groupChatId(group)));

  const setBlocked = (user: UserId, blocked: boolean): Promise<void> =>
    db.transaction('rw', db.meta, async () => {
      const others = ((await db.getMeta('blocked')) ?? []).filter((id) => id !== user);
      await db.setMeta('blocked', blocked ? [...others, user] : others);
    });

  async function start(): Promise<SessionState> {
    backend = await connect();
    const known = await db.getMeta('me');
    if (!backend) {
      const state: SessionState = known ? 'expired' : 'signed-out';
      await db.setMeta('session', state);
      if (known) channel.post({ kind: 'connection', connection: 'expired' });
      return state;
    }
    const owner = await db.getMeta('principal');
    if (owner !== undefined && owner !== backend.principal) {
      // Somebody else signed in on this device: nothing of the former person stays.
      await db.transaction('rw', db.tables, () => Promise.all(db.tables.map((table) => table.clear())));
    }
    await db.setMeta('principal', backend.principal);
    let me = await db.getMeta('me');
    if (!me) {
      me = (await backend.currentUser()) ?? undefined;
      if (!me) {
        await db.setMeta('session', 'needs-username');
        return 'needs-username';
      }
      await db.setMeta('me', me);
    }
    await db.setMeta('session', 'ready');
    lead(me, backend);
    return 'ready';
  }

  return {
    start,
    async stop() {
      leading?.abort();
      leading = null;
      backend = null;
      db.close();
    },
    checkUsername: (username) => network().checkUsername(username),
    async register(username) {
      const via = network();
      const outcome = await via.register(username);
      if ('me' in outcome) {
        await db.setMeta('me', outcome.me);
        await db.setMeta('session', 'ready');
        lead(outcome.me, via);
      }
      return outcome;
    },
    searchUsers: (prefix) => network().searchUsers(prefix),
    async setProfile(displayName, bio) {
      const me = await whoAmI();
      await network().setProfile(me, displayName, bio);
      await db.setMeta('me', { ...me, displayName, bio });
    },
    async createGroup(name, description, invite, requestId) {
      const { group, localIndex } = await network().createGroup(await whoAmI(), name, description, invite, requestId);
      const now = clock.now();
      const entry = { group, localIndex, name, status: { is: 'joined' as const, at: now }, readUpTo: -1 };
      const id = groupChatId(group);
      await db.transaction('rw', db.chats, async () => {
        if (!(await db.chats.get(id))) await db.chats.put({ ...newGroupChat(entry, now), description, myRole: 'owner', memberCount: 1 });
      });
      pokeAll();
      return id;
    },
    async acceptInvite(group) {
      await network().acceptInvite(await whoAmI(), group);
      pokeAll();
    },
    async declineInvite(group) {
      await network().declineInvite(await whoAmI(), group);
      await drop(group);
      pokeAll();
    },
    async leaveGroup(group) {
      await network().leaveGroup(await whoAmI(), group);
      await drop(group);
      pokeAll();
    },
    async inviteUsers(group, users) {
      await network().inviteUsers(group, users);
      pokeAll();
    },
    async removeMember(group, user) {
      await network().removeMember(group, user);
      pokeAll();
    },
    async updateGroup(group, name, description) {
      await network().updateGroup(group, name, description);
      pokeAll();
    },
    async changeRole(group, user, role) {
      await network().changeRole(group, user, role);
      pokeAll();
    },
    async blockUser(user) {
      await network().blockUser(await whoAmI(), user);
      await setBlocked(user, true);
    },
    async unblockUser(user) {
      await network().unblockUser(await whoAmI(), user);
      await setBlocked(user, false);
    },
    refreshPerson: (user) => new PeopleKeeper(db, network(), clock).learn([user], NAME_OF_SPEAKER_OLD_MS),
  };
}
