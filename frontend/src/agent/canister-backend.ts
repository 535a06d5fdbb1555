// The chat network over canisters. Certificates of updates and signatures of queries are verified by the
// agent against the configured root key; nothing here turns that off.

import { Actor, HttpAgent, type ActorSubclass, type Identity } from '@dfinity/agent';
import { IDL } from '@dfinity/candid';
import { Principal } from '@dfinity/principal';
import * as GroupDid from '../../generated/group.did.ts';
import * as LocalIndexDid from '../../generated/local_index.did.ts';
import * as UserIndexDid from '../../generated/user_index.did.ts';
import * as UserDid from '../../generated/user.did.ts';
import type { Me, Member, Person, Role } from '../domain/chat.ts';
import { RequestError } from '../domain/failure.ts';
import { groupId, type ChatTarget, type GroupId, type MessageId, type UserId } from '../domain/ids.ts';
import type { JobAction } from '../domain/job.ts';
import { cleanName } from '../domain/names.ts';
import type {
  ChatBackend,
  GroupUpdate,
  ReadMark,
  RegisterOutcome,
  SubnetAnswer,
  SubnetQuestion,
  UsernameProblem,
  UserUpdate,
} from '../sync/backend-port.ts';
import { request } from './request-error.ts';
import type { RuntimeConfig } from './runtime-config.ts';
import { accepted, asRole, asUser, groupUpdate, optional, role, sinceVersion, userUpdate } from './wire.ts';

const MAX_SEARCH_RESULTS = 20;

const REGISTRATION_TURNS = 15;
const REGISTRATION_TURN_MS = 1_000;

function usernameProblem(error: UserIndexDid.UsernameError): UsernameProblem {
  if ('TooShort' in error) return { problem: 'too-short', min: error.TooShort.min };
  if ('TooLong' in error) return { problem: 'too-long', max: error.TooLong.max };
  return { problem: 'Taken' in error ? 'taken' : 'invalid-characters' };
}

function asMe(user: UserIndexDid.CurrentUser): Me {
  return {
    userId: asUser(user.user_id),
    username: user.username,
    localIndex: user.local_index.toText(),
    displayName: null,
    bio: '',
  };
}

const asPerson = (user: UserIndexDid.UserSummary): Person => ({
  userId: asUser(user.user_id),
  username: user.username,
  displayName: cleanName(optional(user.display_name) ?? '') || null,
});

/** The Candid of an answer inside an answer is checked like any other; a canister that sends nonsense is at fault. */
function decodeInner<T>(type: IDL.Type, bytes: Uint8Array | number[]): T {
  try {
    return IDL.decode([type], Uint8Array.from(bytes))[0] as T;
  } catch (error) {
    throw new RequestError('unexpected', String(error));
  }
}

function innerUser(bytes: Uint8Array | number[]): UserUpdate | null {
  const found = optional(decodeInner<[] | [UserDid.UserUpdates]>(IDL.Opt(UserDid.UserUpdates), bytes));
  return found && userUpdate(found);
}

function innerGroup(bytes: Uint8Array | number[]): GroupUpdate[] {
  const found = optional(accepted(decodeInner<GroupDid.UpdatesResult>(GroupDid.UpdatesResult, bytes)));
  return found ? [groupUpdate(found)] : [];
}

export class CanisterBackend implements ChatBackend {
  readonly principal: string;
  readonly #agent: HttpAgent;
  readonly #userIndex: ActorSubclass<UserIndexDid._SERVICE>;
  readonly #actors = new Map<string, unknown>();

  private constructor(agent: HttpAgent, principal: string, userIndex: string) {
    this.#agent = agent;
    this.principal = principal;
    this.#userIndex = this.#actor<UserIndexDid._SERVICE>(UserIndexDid.idlFactory, userIndex);
  }

  static async connect(config: RuntimeConfig, identity: Identity): Promise<CanisterBackend> {
    const agent = await HttpAgent.create({
      host: config.apiHost,
      identity,
      rootKey: config.rootKey,
      // The outbox and the poller have their own patience; retries inside would only hide the state.
      retryTimes: 0,
      verifyQuerySignatures: true,
      fetch: (...args: Parameters<typeof fetch>) => fetch(...args),
    });
    return new CanisterBackend(agent, identity.getPrincipal().toText(), config.userIndex);
  }

  #actor<T>(idlFactory: IDL.InterfaceFactory, canisterId: string): ActorSubclass<T> {
    const known = this.#actors.get(canisterId);
    if (known) return known as ActorSubclass<T>;
    const actor = Actor.createActor<T>(idlFactory, { agent: this.#agent, canisterId });
    this.#actors.set(canisterId, actor);
    return actor;
  }

  #user(me: Me): ActorSubclass<UserDid._SERVICE> {
    return this.#actor(UserDid.idlFactory, me.userId);
  }

  #group(group: GroupId): ActorSubclass<GroupDid._SERVICE> {
    return this.#actor(GroupDid.idlFactory, group);
  }

  #localIndex(canisterId: string): ActorSubclass<LocalIndexDid._SERVICE> {
    return this.#actor(LocalIndexDid.idlFactory, canisterId);
  }

  async currentUser(): Promise<Me | null> {
    const found = await request(() => this.#userIndex.current_user());
    const user = optional(found);
    return user && asMe(user);
  }

  async checkUsername(username: string): Promise<UsernameProblem | null> {
    const answer = await request(() => this.#userIndex.check_username(username));
    return 'Ok' in answer ? null : usernameProblem(answer.Err);
  }

  async register(username: string): Promise<RegisterOutcome> {
    const answer = await request(() => this.#userIndex.register_user({ username }));
    if ('Ok' in answer) return { me: asMe(answer.Ok) };
    const { Err: error } = answer;
    if ('AlreadyRegistered' in error) return { me: asMe(error.AlreadyRegistered) };
    if ('Username' in error) return usernameProblem(error.Username);
    if ('Anonymous' in error) throw new RequestError('session-expired');
    if ('RateLimited' in error) throw new RequestError('rate-limited');
    if ('InProgress' in error) return this.#awaitRegistration();
    throw new RequestError('unavailable', 'Unavailable' in error ? error.Unavailable : '');
  }

  /** An earlier attempt, whose answer was lost, is still being carried out. */
  async #awaitRegistration(): Promise<RegisterOutcome> {
    for (let turn = 0; turn < REGISTRATION_TURNS; turn += 1) {
      await new Promise((resolve) => setTimeout(resolve, REGISTRATION_TURN_MS));
      const me = await this.currentUser();
      if (me) return { me };
    }
    throw new RequestError('unavailable', 'the registration is still in progress');
  }

  async searchUsers(prefix: string): Promise<Person[]> {
    const found = await request(() => this.#userIndex.search_users({ prefix, max_results: MAX_SEARCH_RESULTS }));
    return found.map(asPerson);
  }

  async people(ids: UserId[]): Promise<Person[]> {
    const found = await request(() => this.#userIndex.users(ids.map((id) => Principal.fromText(id))));
    return found.map(asPerson);
  }

  async updates({ localIndex, user, groups, thorough }: SubnetQuestion): Promise<SubnetAnswer> {
    const answer = await request(() =>
      this.#localIndex(localIndex).updates({
        user: user ? [{ user_id: Principal.fromText(user.userId), since: BigInt(user.since) }] : [],
        groups: groups.map(({ group, since }) => ({ group_id: Principal.fromText(group), ...sinceVersion(since, thorough) })),
      }),
    );
    const userBytes = optional(answer.user);
    return {
      // The local index passes on what the canisters answered to their own `updates`, as it came.
      user: userBytes && innerUser(userBytes),
      groups: answer.groups.flatMap(({ updates }) => innerGroup(updates)),
      more: answer.more,
      notMember: answer.failed.flatMap(({ group_id, reason }) => ('NotMember' in reason ? [groupId(group_id.toText())] : [])),
    };
  }

  async perform(
    me: Me,
    chat: ChatTarget,
    messageId: MessageId,
    action: JobAction,
  ): Promise<{ index: number; at: number } | null> {
    const message_id = BigInt(messageId);
    if (action.do === 'send') {
      const replies_to: [] | [bigint] = action.replyTo === null ? [] : [BigInt(action.replyTo)];
      const { text } = action;
      const sent = accepted<UserDid.Sent>(
        chat.kind === 'direct'
          ? await request(() => this.#user(me).send_message({ recipient: Principal.fromText(chat.them), message_id, text, replies_to }))
          : await request(() => this.#group(chat.group).send_message({ message_id, text, replies_to })),
      );
      return { index: sent.event_index, at: Number(sent.timestamp) };
    }
    if (chat.kind === 'direct') {
      const user = this.#user(me);
      const them = Principal.fromText(chat.them);
      switch (action.do) {
        case 'edit':
          accepted(await request(() => user.edit_message({ them, message_id, text: action.text })));
          return null;
        case 'delete':
          accepted(await request(() => user.delete_message({ them, message_id })));
          return null;
        case 'react':
          accepted(await request(() => user.react({ them, message_id, reaction: action.emoji, add: action.add })));
          return null;
      }
    }
    const group = this.#group(chat.group);
    switch (action.do) {
      case 'edit':
        accepted(await request(() => group.edit_message({ message_id, text: action.text })));
        return null;
      case 'delete':
        accepted(await request(() => group.delete_message({ message_id })));
        return null;
      case 'react':
        accepted(await request(() => group.react({ message_id, reaction: action.emoji, add: action.add })));
        return null;
    }
  }

  async markRead(me: Me, marks: ReadMark[]): Promise<void> {
    await request(() =>
      this.#user(me).mark_read(
        marks.map(({ chat, upTo }) => ({
          chat:
            chat.kind === 'direct' ? { Direct: Principal.fromText(chat.them) } : { Group: Principal.fromText(chat.group) },
          up_to: upTo,
        })),
      ),
    );
  }

  async setProfile(me: Me, displayName: string | null, bio: string): Promise<void> {
    accepted(await request(() => this.#user(me).set_profile({ display_name: displayName === null ? [] : [displayName], bio })));
  }

  async createGroup(
    me: Me,
    name: string,
    description: string,
    invite: UserId[],
    requestId: string,
  ): Promise<{ group: GroupId; localIndex: string }> {
    const made = accepted(
      await request(() =>
        this.#user(me).create_group({
          name,
          description,
          invite: invite.map((id) => Principal.fromText(id)),
          request_id: BigInt(requestId),
        }),
      ),
    );
    return { group: groupId(made.group_id.toText()), localIndex: made.local_index.toText() };
  }

  async acceptInvite(me: Me, group: GroupId): Promise<void> {
    accepted(await request(() => this.#user(me).accept_invite(Principal.fromText(group))));
  }

  async declineInvite(me: Me, group: GroupId): Promise<void> {
    accepted(await request(() => this.#user(me).decline_invite(Principal.fromText(group))));
  }

  async leaveGroup(me: Me, group: GroupId): Promise<void> {
    accepted(await request(() => this.#user(me).leave_group(Principal.fromText(group))));
  }

  async members(group: GroupId): Promise<{ members: Member[]; invited: UserId[] }> {
    const found = accepted(await request(() => this.#group(group).members()));
    return {
      members: found.members.map((member) => ({
        userId: asUser(member.user_id),
        username: member.username,
        role: role(member.role),
        joinedAt: Number(member.joined),
      })),
      invited: found.invited.map(asUser),
    };
  }

  async inviteUsers(group: GroupId, users: UserId[]): Promise<void> {
    accepted(await request(() => this.#group(group).invite_users(users.map((id) => Principal.fromText(id)))));
  }

  async removeMember(group: GroupId, user: UserId): Promise<void> {
    accepted(await request(() => this.#group(group).remove_member(Principal.fromText(user))));
  }

  async updateGroup(group: GroupId, name: string, description: string): Promise<void> {
    accepted(await request(() => this.#group(group).update_group({ name, description })));
  }

  async changeRole(group: GroupId, user: UserId, wanted: Role): Promise<void> {
    accepted(await request(() => this.#group(group).change_role({ user_id: Principal.fromText(user), role: asRole(wanted) })));
  }

  async blockUser(me: Me, user: UserId): Promise<void> {
    accepted(await request(() => this.#user(me).block_user(Principal.fromText(user))));
  }

  async unblockUser(me: Me, user: UserId): Promise<void> {
    accepted(await request(() => this.#user(me).unblock_user(Principal.fromText(user))));
  }
}
