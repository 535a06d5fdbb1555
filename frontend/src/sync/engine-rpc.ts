// Requests from a tab to its own worker that need an answer. Everything that can wait goes through the
// database instead (see `actions.ts`).

import type { SessionState } from '../db/database.ts';
import type { Me, Person, Role } from '../domain/chat.ts';
import type { FailureCode } from '../domain/failure.ts';
import type { ChatId, GroupId, UserId } from '../domain/ids.ts';
import type { UsernameProblem } from './backend-port.ts';

export interface EngineMethods {
  /** Reads the session and starts to sync. Call again after a sign-in. */
  start(): Promise<SessionState>;
  /** Ends syncing in this tab and closes the database, so that it can be wiped. */
  stop(): Promise<void>;
  checkUsername(username: string): Promise<UsernameProblem | null>;
  register(username: string): Promise<{ me: Me } | UsernameProblem>;
  searchUsers(prefix: string): Promise<Person[]>;
  setProfile(displayName: string | null, bio: string): Promise<void>;
  createGroup(name: string, description: string, invite: UserId[], requestId: string): Promise<ChatId>;
  acceptInvite(group: GroupId): Promise<void>;
  declineInvite(group: GroupId): Promise<void>;
  leaveGroup(group: GroupId): Promise<void>;
  inviteUsers(group: GroupId, users: UserId[]): Promise<void>;
  removeMember(group: GroupId, user: UserId): Promise<void>;
  updateGroup(group: GroupId, name: string, description: string): Promise<void>;
  changeRole(group: GroupId, user: UserId, role: Role): Promise<void>;
  blockUser(user: UserId): Promise<void>;
  unblockUser(user: UserId): Promise<void>;
  /** Asks the directory about somebody who is being looked at. */
  refreshPerson(user: UserId): Promise<void>;
}

export type EngineRequest = {
  [K in keyof EngineMethods]: { id: number; method: K; args: Parameters<EngineMethods[K]> };
}[keyof EngineMethods];

export type EngineResponse =
  | { id: number; ok: unknown }
  | { id: number; failed: { code: FailureCode; detail: string } };
