// The sync engine: asks every subnet where I have something what changed, applies it to the local
// database, and sends the outbox. One engine leads at a time (see `leader.ts`), whatever the number of tabs.

import { liveQuery, type Subscription } from 'dexie';
import type { ParleyDatabase } from '../db/database.ts';
import type { Chat, GroupChat, Me } from '../domain/chat.ts';
import { RequestError } from '../domain/failure.ts';
import { groupChatId, parseChatId, type UserId } from '../domain/ids.ts';
import type { ChatBackend, ReadMark, SubnetQuestion } from './backend-port.ts';
import { OutboxSender, type Clock } from './outbox-sender.ts';
import { pollDelayMs } from './pace.ts';
import { NAME_OF_SPEAKER_OLD_MS, NAME_OLD_MS, noteUsernames, PeopleKeeper } from './people-keeper.ts';
import { applyGroupUpdate, applyNotMember, applyUserUpdate } from './reducer.ts';
import type { Connection, TabChannel } from './tab-channel.ts';

/** The network's bound for one question. */
const MAX_GROUPS_PER_QUESTION = 100;

/** The network's bound for one call: it passes over what is more. */
const MAX_MARKS_PER_CALL = 100;

/** Read marks travel together: a scroll makes many. */
const READ_MARK_DELAY_MS = 300;

const UNEXPECTED_RETRY_MS = 5_000;

/**
 * A group's announcement may come late, when the canister that it announces to was away. So at the start, when somebody
 * comes back and this often, every group is asked itself.
 */
const THOROUGH_AFTER_MS = 5 * 60_000;

export function questions(me: Me, userVersion: string, chats: readonly Chat[], thorough: boolean): SubnetQuestion[] {
  const groups = chats.filter((chat): chat is GroupChat => chat.kind === 'group' && chat.membership === 'member');
  const bySubnet = Map.groupBy(groups, (chat) => chat.localIndex);
  const asked: SubnetQuestion[] = [];
  for (const localIndex of new Set([me.localIndex, ...bySubnet.keys()])) {
    const here = (bySubnet.get(localIndex) ?? []).map((chat) => ({ group: chat.group, since: chat.version }));
    const user = localIndex === me.localIndex ? { userId: me.userId, since: userVersion } : null;
    asked.push({ localIndex, user, groups: here.slice(0, MAX_GROUPS_PER_QUESTION), thorough });
    for (let from = MAX_GROUPS_PER_QUESTION; from < here.length; from += MAX_GROUPS_PER_QUESTION) {
      asked.push({ localIndex, user: null, groups: here.slice(from, from + MAX_GROUPS_PER_QUESTION), thorough });
    }
  }
  return asked;
}

export class SyncEngine {
  readonly #db: ParleyDatabase;
  readonly #backend: ChatBackend;
  readonly #channel: TabChannel;
  readonly #clock: Clock;
  readonly #sender: OutboxSender;
  readonly #people: PeopleKeeper;
  readonly #tabs = new Map<string, { visible: boolean; activeAt: number }>();

  #me: Me;
  #connection: Connection = 'connecting';
  #failures = 0;
  #newsAt = 0;
  /** When everybody's names were last gone through. */
  #namesAt = 0;
  /** When every group was last asked itself. */
  #thoroughAt = -Infinity;
  #stopped = false;
  #polling = false;
  #pollAgain = false;
  #draining = false;
  #drainAgain = false;
  #pollTimer: ReturnType<typeof setTimeout> | undefined;
  #drainTimer: ReturnType<typeof setTimeout> | undefined;
  #readTimer: ReturnType<typeof setTimeout> | undefined;
  #subscriptions: { unsubscribe(): void }[] = [];

  constructor(db: ParleyDatabase, backend: ChatBackend, me: Me, channel: TabChannel, clock: Clock) {
    this.#db = db;
    this.#backend = backend;
    this.#me = me;
    this.#channel = channel;
    this.#clock = clock;
    this.#people = new PeopleKeeper(db, backend, clock);
    this.#sender = new OutboxSender(db, backend, () => this.#me, {
      confirmed: () => this.poke(),
      refused: (job, code) => channel.post({ kind: 'refused', action: job.action.do, code }),
      sessionExpired: () => this.#setConnection('expired'),
    }, clock);
  }

  start(): void {
    const unlisten = this.#channel.listen((message) => {
      switch (message.kind) {
        case 'presence': {
          const before = this.#presence();
          this.#tabs.set(message.tab, { visible: message.visible, activeAt: message.activeAt });
          // Somebody came back: the screen should not be stale for the rest of a long wait.
          if (message.visible && !before.visible) this.#thoroughAt = -Infinity;
          if (message.visible && (!before.visible || this.#clock.now() - before.activeAt > 60_000)) this.poke();
          break;
        }
        case 'hello':
          this.#channel.post({ kind: 'connection', connection: this.#connection });
          break;
        case 'poke':
          this.poke();
          break;
      }
    });
    this.#subscriptions.push({ unsubscribe: unlisten });
    this.#channel.post({ kind: 'who' });

    const jobs: Subscription = liveQuery(() => this.#db.jobs.count()).subscribe(() => void this.#drain());
    const marks: Subscription = liveQuery(() => this.#unsentMarks()).subscribe((unsent) => {
      if (unsent.length === 0) return;
      clearTimeout(this.#readTimer);
      this.#readTimer = setTimeout(() => void this.sendMarks(), READ_MARK_DELAY_MS);
    });
    this.#subscriptions.push(jobs, marks);

    const online = (): void => {
      this.#failures = 0;
      this.#thoroughAt = -Infinity;
      void this.#sender.hurry().then(() => this.#drain());
      this.poke();
    };
    const offline = (): void => this.#setConnection('offline');
    globalThis.addEventListener?.('online', online);
    globalThis.addEventListener?.('offline', offline);
    this.#subscriptions.push({
      unsubscribe: () => {
        globalThis.removeEventListener?.('online', online);
        globalThis.removeEventListener?.('offline', offline);
      },
    });

    void this.#sender.hurry();
    this.poke();
  }

  stop(): void {
    this.#stopped = true;
    for (const timer of [this.#pollTimer, this.#drainTimer, this.#readTimer]) clearTimeout(timer);
    for (const subscription of this.#subscriptions) subscription.unsubscribe();
    this.#subscriptions = [];
  }

  /** Asks the network now, or again right after the asking that is under way. */
  poke(): void {
    if (this.#stopped) return;
    if (this.#polling) {
      this.#pollAgain = true;
      return;
    }
    clearTimeout(this.#pollTimer);
    this.#pollTimer = setTimeout(() => void this.#poll(), 0);
  }

  #presence(): { visible: boolean; activeAt: number } {
    const tabs = [...this.#tabs.values()];
    return {
      visible: tabs.some((tab) => tab.visible),
      activeAt: Math.max(this.#newsAt, ...tabs.map((tab) => tab.activeAt)),
    };
  }

  #setConnection(connection: Connection): void {
    if (this.#connection === connection) return;
    this.#connection = connection;
    this.#channel.post({ kind: 'connection', connection });
  }

  async #poll(): Promise<void> {
    this.#polling = true;
    this.#pollAgain = false;
    try {
      const hadTrouble = this.#failures > 0 || this.#connection === 'expired';
      const news = await this.round();
      this.#failures = 0;
      if (news) this.#newsAt = this.#clock.now();
      this.#setConnection('online');
      if (hadTrouble) {
        await this.#sender.hurry();
        void this.#drain();
      }
    } catch (error) {
      this.#failures += 1;
      if (error instanceof RequestError) {
        this.#setConnection(
          error.code === 'session-expired'
            ? 'expired'
            : error.code === 'offline' || globalThis.navigator?.onLine === false
              ? 'offline'
              : 'unreachable',
        );
      } else if (!this.#stopped) {
        console.error(error);
      }
    } finally {
      this.#polling = false;
    }
    if (this.#stopped) return;
    const delay = this.#pollAgain ? 0 : pollDelayMs({ ...this.#presence(), failures: this.#failures }, this.#clock.now());
    clearTimeout(this.#pollTimer);
    this.#pollTimer = setTimeout(() => void this.#poll(), delay);
  }

  /** One question per subnet, repeated while an answer says there is more. Tells whether anything changed. */
  async round(): Promise<boolean> {
    let changed = false;
    const startedAt = this.#clock.now();
    const thorough = startedAt - this.#thoroughAt > THOROUGH_AFTER_MS;
    // From the beginning on: who comes back meanwhile is asked for once more.
    if (thorough) this.#thoroughAt = startedAt;
    for (;;) {
      const [version, chats] = await Promise.all([this.#db.getMeta('userVersion'), this.#db.chats.toArray()]);
      const known = new Set(chats.map((chat) => chat.id));
      const speakers: UserId[] = [];
      const results = await Promise.allSettled(
        questions(this.#me, version ?? '0', chats, thorough).map(async (question) => {
          const answer = await this.#backend.updates(question);
          if (this.#stopped) return { more: false, changed: false };
          let { more } = answer;
          if (answer.user) {
            await applyUserUpdate(this.#db, this.#me, answer.user);
            speakers.push(...answer.user.chats.map(({ them }) => them));
            if (answer.user.profile) this.#me = { ...this.#me, ...answer.user.profile };
            // A group that just appeared has not been asked about: go round again at once.
            more ||= answer.user.more || answer.user.groups.some((g) => g.status.is === 'joined' && !known.has(groupChatId(g.group)));
          }
          for (const group of answer.groups) {
            await applyGroupUpdate(this.#db, this.#me, group);
            more ||= group.more;
          }
          for (const group of answer.notMember) await applyNotMember(this.#db, groupChatId(group));
          return { more, changed: answer.user !== null || answer.groups.length > 0 };
        }),
      );
      const news = results.some((result) => result.status === 'fulfilled' && result.value.changed);
      changed ||= news;
      await this.#learnMembers();
      if (news || this.#clock.now() - this.#namesAt > NAME_OLD_MS) await this.#learnNames(speakers);
      const failed = results.find((result) => result.status === 'rejected');
      // The subnets that answered are applied; the one that did not counts as trouble.
      if (failed) {
        if (thorough) this.#thoroughAt = -Infinity;
        throw failed.reason;
      }
      if (this.#stopped || !results.some((result) => result.status === 'fulfilled' && result.value.more)) break;
    }
    if (!(await this.#db.getMeta('synced'))) await this.#db.setMeta('synced', true);
    return changed;
  }

  /** Fetches stale member lists. */
  async #learnMembers(): Promise<void> {
    const stale = await this.#db.chats
      .filter((chat) => chat.kind === 'group' && chat.membership === 'member' && chat.membersStale)
      .toArray();
    for (const chat of stale) {
      if (chat.kind !== 'group') continue;
      const list = await this.#backend.members(chat.group).catch((error: unknown) => {
        // One group in trouble keeps nobody from the others; it stays stale and is asked again.
        if (error instanceof RequestError && error.code === 'unavailable') return null;
        throw error;
      });
      if (list === null) continue;
      const { members, invited } = list;
      await this.#db.transaction('rw', [this.#db.chats, this.#db.members, this.#db.invitees, this.#db.people], async () => {
        await this.#db.members.where({ chatId: chat.id }).delete();
        await this.#db.members.bulkPut(members.map((member) => ({ ...member, chatId: chat.id })));
        await this.#db.invitees.where({ chatId: chat.id }).delete();
        await this.#db.invitees.bulkPut(invited.map((id) => ({ chatId: chat.id, userId: id })));
        await noteUsernames(this.#db, members);
        const now = await this.#db.chats.get(chat.id);
        if (now?.kind === 'group') await this.#db.chats.put({ ...now, membersStale: false });
      });
    }
  }

  /** What everybody is called whom one may see: after news, and again when the answers have grown old. */
  async #learnNames(speakers: readonly UserId[]): Promise<void> {
    this.#namesAt = this.#clock.now();
    const ids = new Set<UserId>((await this.#db.getMeta('blocked')) ?? []);
    for (const chat of await this.#db.chats.toArray()) {
      if (chat.kind === 'direct') ids.add(chat.them);
      else if (chat.invitedBy) ids.add(chat.invitedBy);
    }
    for (const { userId } of await this.#db.members.toArray()) ids.add(userId);
    for (const { userId } of await this.#db.invitees.toArray()) ids.add(userId);
    ids.delete(this.#me.userId);
    try {
      await this.#people.learn(speakers, NAME_OF_SPEAKER_OLD_MS);
      await this.#people.learn(ids);
    } catch (error) {
      // Names wait until the next news; the messages are there.
      if (!(error instanceof RequestError) || error.code === 'session-expired') throw error;
    }
  }

  async #unsentMarks(): Promise<Chat[]> {
    return this.#db.chats.filter((chat) => chat.readUpTo > chat.readUpToSent).toArray();
  }

  /** Tells the network of read marks, as many as one call takes. */
  async sendMarks(): Promise<void> {
    if (this.#stopped) return;
    // What is left follows: storing that these were sent asks again.
    const unsent = (await this.#unsentMarks()).slice(0, MAX_MARKS_PER_CALL);
    const marks: ReadMark[] = [];
    for (const chat of unsent) {
      const target = parseChatId(chat.id);
      if (target) marks.push({ chat: target, upTo: chat.readUpTo });
    }
    if (marks.length === 0) return;
    try {
      await this.#backend.markRead(this.#me, marks);
      await this.#db.transaction('rw', this.#db.chats, async () => {
        for (const chat of unsent) {
          const now = await this.#db.chats.get(chat.id);
          if (now) await this.#db.chats.update(chat.id, { readUpToSent: Math.max(now.readUpToSent, chat.readUpTo) });
        }
      });
    } catch (error) {
      if (!(error instanceof RequestError)) throw error;
      clearTimeout(this.#readTimer);
      this.#readTimer = setTimeout(() => void this.sendMarks(), UNEXPECTED_RETRY_MS);
    }
  }

  async #drain(): Promise<void> {
    if (this.#stopped) return;
    if (this.#draining) {
      this.#drainAgain = true;
      return;
    }
    this.#draining = true;
    clearTimeout(this.#drainTimer);
    let next: number | null;
    try {
      do {
        this.#drainAgain = false;
        next = await this.#sender.drain();
      } while (this.#drainAgain && !this.#stopped);
    } catch (error) {
      if (!this.#stopped) console.error(error);
      next = this.#clock.now() + UNEXPECTED_RETRY_MS;
    } finally {
      this.#draining = false;
    }
    if (next !== null && !this.#stopped) {
      this.#drainTimer = setTimeout(() => void this.#drain(), Math.max(0, next - this.#clock.now()));
    }
  }
}
