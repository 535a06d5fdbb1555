// The chat network in memory, for designing screens and for tests of the engine. Never part of a build
// that is deployed.

import type { Me, Member, MessageBody, Person, Role } from '../src/domain/chat.ts';
import { RequestError } from '../src/domain/failure.ts';
import { groupId, messageId, userId, type ChatTarget, type GroupId, type MessageId, type UserId } from '../src/domain/ids.ts';
import { withPending, type JobAction } from '../src/domain/job.ts';
import type {
  ChatBackend,
  DirectUpdate,
  GroupEntryUpdate,
  GroupUpdate,
  ReadMark,
  RegisterOutcome,
  SubnetAnswer,
  SubnetQuestion,
  UsernameProblem,
  WireEvent,
} from '../src/sync/backend-port.ts';

interface Versioned {
  version: number;
  event: WireEvent;
}

interface DirectCopy {
  username: string;
  version: number;
  events: Versioned[];
  readByMe: number;
  readByThem: number;
  delivered: number;
}

interface GroupCopy {
  name: string;
  description: string;
  version: number;
  events: Versioned[];
  members: Member[];
  invited: UserId[];
  read: number;
  entryVersion: number;
  status: GroupEntryUpdate['status'];
  localIndex: string;
}

const plain = (text: string): MessageBody => ({ text, deleted: false, editedAt: null, reactions: [] });

export class FakeBackend implements ChatBackend {
  readonly principal = 'fake-principal';
  readonly people_: Person[] = [];
  readonly direct = new Map<UserId, DirectCopy>();
  readonly groups = new Map<GroupId, GroupCopy>();
  me: Me | null;
  now = 1_000;
  version = 1;
  /** Every request, in order, by method: for tests. */
  readonly calls: string[] = [];
  /** Thrown by the next requests, one each. `lost` means done but the answer never came. */
  readonly troubles: (RequestError | 'lost')[] = [];

  constructor(me: Me | null) {
    this.me = me;
  }

  async #request<T>(name: string, work: () => T): Promise<T> {
    this.calls.push(name);
    await Promise.resolve();
    const trouble = name === 'updates' ? undefined : this.troubles.shift();
    if (trouble instanceof RequestError) throw trouble;
    const result = work();
    if (trouble === 'lost') throw new RequestError('unavailable');
    return result;
  }

  currentUser(): Promise<Me | null> {
    return this.#request('currentUser', () => this.me);
  }

  checkUsername(username: string): Promise<UsernameProblem | null> {
    return this.#request('checkUsername', () => (this.people_.some((p) => p.username === username) ? { problem: 'taken' } : null));
  }

  register(username: string): Promise<RegisterOutcome> {
    return this.#request('register', () => {
      this.me = { userId: userId('aaaaa-aa'), username, localIndex: 'subnet-a', displayName: null, bio: '' };
      return { me: this.me };
    });
  }

  searchUsers(prefix: string): Promise<Person[]> {
    return this.#request('searchUsers', () => this.people_.filter((p) => p.username.toLowerCase().startsWith(prefix.toLowerCase())));
  }

  people(ids: UserId[]): Promise<Person[]> {
    return this.#request('people', () => this.people_.filter((p) => ids.includes(p.userId)));
  }

  #copy(them: UserId): DirectCopy {
    let copy = this.direct.get(them);
    if (!copy) {
      const username = this.people_.find((p) => p.userId === them)?.username ?? them;
      copy = { username, version: 0, events: [], readByMe: -1, readByThem: -1, delivered: -1 };
      this.direct.set(them, copy);
    }
    return copy;
  }

  #lists(chat: ChatTarget): { version: number; events: Versioned[] } {
    if (chat.kind === 'direct') return this.#copy(chat.them);
    const group = this.groups.get(chat.group);
    if (!group) throw new RequestError('not-member');
    return group;
  }

  /** A message arrives, by anybody. */
  post(chat: ChatTarget, sender: UserId, text: string, at = this.now, id = messageId(BigInt(this.version) + 1_000_000n), replyTo: MessageId | null = null): MessageId {
    const list = this.#lists(chat);
    const known = list.events.find(({ event }) => event.kind === 'message' && event.id === id);
    if (known) return id;
    list.version = this.version += 1;
    list.events.push({
      version: list.version,
      event: { index: list.events.length, at, kind: 'message', id, sender, replyTo, body: plain(text) },
    });
    return id;
  }

  /** Something changes on a message, by anybody. */
  change(chat: ChatTarget, id: MessageId, change: (body: MessageBody) => MessageBody): void {
    const list = this.#lists(chat);
    const found = list.events.find(({ event }) => event.kind === 'message' && event.id === id);
    if (found?.event.kind !== 'message') throw new RequestError('message-not-found');
    list.version = found.version = this.version += 1;
    found.event = { ...found.event, body: change(found.event.body) };
  }

  /** The other side read or got everything. */
  mark(them: UserId, marks: { delivered?: number; read?: number }): void {
    const copy = this.#copy(them);
    copy.version = this.version += 1;
    copy.delivered = marks.delivered ?? copy.delivered;
    copy.readByThem = marks.read ?? copy.readByThem;
  }

  texts(chat: ChatTarget): string[] {
    return this.#lists(chat).events.flatMap(({ event }) => (event.kind === 'message' ? [event.body.text] : []));
  }

  updates({ localIndex, user, groups }: SubnetQuestion): Promise<SubnetAnswer> {
    return this.#request('updates', () => {
      const answer: SubnetAnswer = { user: null, groups: [], notMember: [], more: false };
      if (user) {
        const since = Number(user.since);
        const chats: DirectUpdate[] = [];
        for (const [them, copy] of this.direct) {
          if (copy.version <= since) continue;
          const latest = copy.events.at(-1)?.event ?? null;
          chats.push({
            them,
            username: copy.username,
            createdAt: 0,
            latestIndex: copy.events.length - 1,
            latestMessage: latest,
            readByMeUpTo: copy.readByMe,
            readByThemUpTo: copy.readByThem,
            deliveredUpTo: copy.delivered,
            undelivered: [],
            events: copy.events.filter((e) => e.version > since).map((e) => e.event),
          });
        }
        const entries: GroupEntryUpdate[] = [];
        for (const [group, copy] of this.groups) {
          if (copy.entryVersion <= since) continue;
          entries.push({ group, localIndex: copy.localIndex, name: copy.name, status: copy.status, readUpTo: copy.read });
        }
        if (chats.length > 0 || entries.length > 0) {
          answer.user = { version: String(this.version), more: false, profile: null, chats, groups: entries, blocked: null };
        }
      }
      for (const { group, since } of groups) {
        const copy = this.groups.get(group);
        if (!copy || copy.localIndex !== localIndex) {
          answer.notMember.push(group);
          continue;
        }
        if (copy.version <= Number(since)) continue;
        answer.groups.push(this.#groupUpdate(group, copy, Number(since)));
      }
      return answer;
    });
  }

  #groupUpdate(group: GroupId, copy: GroupCopy, since: number): GroupUpdate {
    return {
      group,
      version: String(copy.version),
      more: false,
      name: copy.name,
      description: copy.description,
      myRole: copy.members.find((m) => m.userId === this.me?.userId)?.role ?? 'member',
      memberCount: copy.members.length,
      latestIndex: copy.events.length - 1,
      latestMessage: copy.events.findLast((e) => e.event.kind === 'message')?.event ?? null,
      events: copy.events.filter((e) => e.version > since).map((e) => e.event),
      membersChanged: since === 0,
    };
  }

  perform(me: Me, chat: ChatTarget, id: MessageId, action: JobAction): Promise<{ index: number; at: number } | null> {
    return this.#request(`perform ${action.do}`, () => {
      if (action.do === 'send') {
        this.post(chat, me.userId, action.text, this.now, id, action.replyTo);
        const found = this.#lists(chat).events.find(({ event }) => event.kind === 'message' && event.id === id);
        if (!found) throw new Error('just posted');
        return { index: found.event.index, at: found.event.at };
      }
      this.change(chat, id, (body) =>
        withPending(body, [{ chatId: 'd:x' as never, messageId: id, action, createdAt: this.now, attempts: 0, notBefore: 0 }], me.userId),
      );
      return null;
    });
  }

  markRead(_me: Me, marks: ReadMark[]): Promise<void> {
    return this.#request('markRead', () => {
      for (const { chat, upTo } of marks) {
        if (chat.kind === 'direct') this.#copy(chat.them).readByMe = upTo;
        else {
          const group = this.groups.get(chat.group);
          if (group) group.read = upTo;
        }
      }
    });
  }

  setProfile(): Promise<void> {
    return this.#request('setProfile', () => undefined);
  }

  createGroup(me: Me, name: string, description: string, invite: UserId[], requestId: string): Promise<{ group: GroupId; localIndex: string }> {
    return this.#request('createGroup', () => {
      const group = groupId(`group-${requestId.slice(0, 5)}`);
      if (!this.groups.has(group)) {
        this.version += 1;
        this.groups.set(group, {
          name,
          description,
          version: this.version,
          events: [{ version: this.version, event: { index: 0, at: this.now, kind: 'system', event: { what: 'group-created', name, by: me.userId } } }],
          members: [{ userId: me.userId, username: me.username, role: 'owner', joinedAt: this.now }],
          invited: invite,
          read: -1,
          entryVersion: this.version,
          status: { is: 'joined', at: this.now },
          localIndex: 'subnet-b',
        });
      }
      return { group, localIndex: 'subnet-b' };
    });
  }

  acceptInvite(me: Me, group: GroupId): Promise<void> {
    return this.#request('acceptInvite', () => {
      const copy = this.groups.get(group);
      if (!copy) throw new RequestError('not-invited');
      copy.status = { is: 'joined', at: this.now };
      copy.entryVersion = copy.version = this.version += 1;
      copy.members.push({ userId: me.userId, username: me.username, role: 'member', joinedAt: this.now });
    });
  }

  #leave(group: GroupId): void {
    const copy = this.groups.get(group);
    if (!copy) return;
    copy.status = { is: 'gone' };
    copy.entryVersion = this.version += 1;
  }

  declineInvite(_me: Me, group: GroupId): Promise<void> {
    return this.#request('declineInvite', () => this.#leave(group));
  }

  leaveGroup(_me: Me, group: GroupId): Promise<void> {
    return this.#request('leaveGroup', () => this.#leave(group));
  }

  members(group: GroupId): Promise<{ members: Member[]; invited: UserId[] }> {
    return this.#request('members', () => {
      const copy = this.groups.get(group);
      if (!copy) throw new RequestError('not-member');
      return { members: copy.members, invited: copy.invited };
    });
  }

  inviteUsers(group: GroupId, users: UserId[]): Promise<void> {
    return this.#request('inviteUsers', () => void this.groups.get(group)?.invited.push(...users));
  }

  removeMember(): Promise<void> {
    return this.#request('removeMember', () => undefined);
  }

  updateGroup(): Promise<void> {
    return this.#request('updateGroup', () => undefined);
  }

  changeRole(group: GroupId, user: UserId, role: Role): Promise<void> {
    return this.#request('changeRole', () => {
      const copy = this.groups.get(group);
      const member = copy?.members.find(({ userId: id }) => id === user);
      if (!copy || !member) throw new RequestError('not-member');
      member.role = role;
      copy.version = this.version += 1;
    });
  }

  blockUser(): Promise<void> {
    return this.#request('blockUser', () => undefined);
  }

  unblockUser(): Promise<void> {
    return this.#request('unblockUser', () => undefined);
  }
}
