// The local database: everything the screens show. Always: a version number, once released, keeps its
// stores; changes are a new number with its own upgrade. Never: a secret (the session key lives in the
// sign-in library's own database, as a key that cannot be exported).

import Dexie, { type EntityTable, type Table } from 'dexie';
import type { Chat, Me, Member, Person, TimelineEvent } from '../domain/chat.ts';
import type { ChatId, MessageId, UserId } from '../domain/ids.ts';
import type { Job } from '../domain/job.ts';
import { migrations } from './migrations.ts';

export interface Draft {
  chatId: ChatId;
  text: string;
  replyTo: MessageId | null;
  editing: MessageId | null;
  updatedAt: number;
}

export interface GroupMember extends Member {
  chatId: ChatId;
}

export interface GroupInvitee {
  chatId: ChatId;
  userId: UserId;
}

/** Where the account stands, so that the first screen can be chosen before any network. */
export type SessionState = 'signed-out' | 'needs-username' | 'ready' | 'expired';

/** Single values by name. */
export interface MetaValues {
  session: SessionState;
  /** Sign-in principal that this database belongs to. */
  principal: string;
  me: Me;
  userVersion: string;
  /** Set once the first full sync ended: tells an empty list from one that is still loading. */
  synced: boolean;
  config: unknown;
  /** Whom I have blocked. */
  blocked: UserId[];
}

export type MetaRow = { [K in keyof MetaValues]: { name: K; value: MetaValues[K] } }[keyof MetaValues];

export class ParleyDatabase extends Dexie {
  meta!: Table<MetaRow, keyof MetaValues>;
  chats!: Table<Chat, ChatId>;
  events!: Table<TimelineEvent, [ChatId, string]>;
  jobs!: EntityTable<Job, 'seq'>;
  drafts!: EntityTable<Draft, 'chatId'>;
  people!: EntityTable<Person, 'userId'>;
  members!: Table<GroupMember, [ChatId, UserId]>;
  invitees!: Table<GroupInvitee, [ChatId, UserId]>;

  constructor(name = 'parley') {
    super(name);
    for (const { version, stores, upgrade } of migrations) {
      const step = this.version(version).stores(stores);
      if (upgrade) step.upgrade(upgrade);
    }
  }

  async getMeta<K extends keyof MetaValues>(name: K): Promise<MetaValues[K] | undefined> {
    return (await this.meta.get(name))?.value as MetaValues[K] | undefined;
  }

  async setMeta<K extends keyof MetaValues>(name: K, value: MetaValues[K]): Promise<void> {
    await this.meta.put({ name, value } as MetaRow);
  }
}
