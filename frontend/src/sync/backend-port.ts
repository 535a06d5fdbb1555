// The network as the sync engine needs it. `agent/` implements it over canisters; tests and the design
// page implement it in memory. Every method may throw RequestError and nothing else.

import type { Me, Member, MessageBody, Person, Role, SystemEvent } from '../domain/chat.ts';
import type { ChatTarget, GroupId, MessageId, UserId } from '../domain/ids.ts';
import type { JobAction } from '../domain/job.ts';

export type UsernameProblem =
  | { problem: 'too-short'; min: number }
  | { problem: 'too-long'; max: number }
  | { problem: 'invalid-characters' }
  | { problem: 'taken' };

export type RegisterOutcome = { me: Me } | UsernameProblem;

export type WireEvent = { index: number; at: number } & (
  | {
      kind: 'message';
      id: MessageId;
      sender: UserId;
      replyTo: MessageId | null;
      body: MessageBody;
      delivery?: 'given-up' | 'sent-again';
    }
  | { kind: 'system'; event: SystemEvent }
);

export interface DirectUpdate {
  them: UserId;
  username: string;
  createdAt: number;
  latestIndex: number;
  latestMessage: WireEvent | null;
  readByMeUpTo: number;
  readByThemUpTo: number;
  deliveredUpTo: number;
  undelivered: { id: MessageId; reason: string }[];
  events: WireEvent[];
}

export interface GroupEntryUpdate {
  group: GroupId;
  localIndex: string;
  name: string;
  status: { is: 'invited'; by: UserId; at: number } | { is: 'joined'; at: number } | { is: 'gone' };
  readUpTo: number;
}

export interface UserUpdate {
  version: string;
  more: boolean;
  profile: { username: string; displayName: string | null; bio: string } | null;
  chats: DirectUpdate[];
  groups: GroupEntryUpdate[];
  /** Everybody whom I have blocked, when that changed. */
  blocked: UserId[] | null;
}

export interface GroupUpdate {
  group: GroupId;
  /** What the network wants to hear as `since`; says nothing else. */
  version: string;
  more: boolean;
  name: string;
  description: string;
  myRole: Role;
  memberCount: number;
  latestIndex: number;
  latestMessage: WireEvent | null;
  events: WireEvent[];
  membersChanged: boolean;
}

export interface SubnetQuestion {
  localIndex: string;
  /** My user canister, when it is on this subnet. */
  user: { userId: UserId; since: string } | null;
  groups: { group: GroupId; since: string }[];
  /** Every group is asked itself, not only those that have announced something new. */
  thorough: boolean;
}

export interface SubnetAnswer {
  user: UserUpdate | null;
  groups: GroupUpdate[];
  /** Groups where I am no member any more. */
  notMember: GroupId[];
  /** The answer was full: ask again at once with the new versions. */
  more: boolean;
}

export interface ReadMark {
  chat: ChatTarget;
  upTo: number;
}

export interface ChatBackend {
  /** Sign-in principal, as text. */
  readonly principal: string;
  currentUser(): Promise<Me | null>;
  checkUsername(username: string): Promise<UsernameProblem | null>;
  register(username: string): Promise<RegisterOutcome>;
  searchUsers(prefix: string): Promise<Person[]>;
  people(ids: UserId[]): Promise<Person[]>;

  updates(question: SubnetQuestion): Promise<SubnetAnswer>;
  /** Safe to repeat. For `send`, answers the event's place. */
  perform(me: Me, chat: ChatTarget, messageId: MessageId, action: JobAction): Promise<{ index: number; at: number } | null>;
  markRead(me: Me, marks: ReadMark[]): Promise<void>;

  setProfile(me: Me, displayName: string | null, bio: string): Promise<void>;
  createGroup(me: Me, name: string, description: string, invite: UserId[], requestId: string): Promise<{ group: GroupId; localIndex: string }>;
  acceptInvite(me: Me, group: GroupId): Promise<void>;
  declineInvite(me: Me, group: GroupId): Promise<void>;
  leaveGroup(me: Me, group: GroupId): Promise<void>;
  members(group: GroupId): Promise<{ members: Member[]; invited: UserId[] }>;
  inviteUsers(group: GroupId, users: UserId[]): Promise<void>;
  removeMember(group: GroupId, user: UserId): Promise<void>;
  updateGroup(group: GroupId, name: string, description: string): Promise<void>;
  changeRole(group: GroupId, user: UserId, role: Role): Promise<void>;
  blockUser(me: Me, user: UserId): Promise<void>;
  unblockUser(me: Me, user: UserId): Promise<void>;
}
