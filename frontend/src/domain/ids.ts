// Identifiers of people, chats and messages. They are all text on disk and on screen; the brands keep
// them from being mixed up.

declare const brand: unique symbol;

/** Principal text of a person's user canister. */
export type UserId = string & { readonly [brand]: 'UserId' };

/** Principal text of a group canister. */
export type GroupId = string & { readonly [brand]: 'GroupId' };

/** `d:<user id>` for a direct chat, `g:<group id>` for a group. */
export type ChatId = string & { readonly [brand]: 'ChatId' };

/** Decimal text of the 64-bit number that the sending client drew for the message. Unique within a chat. */
export type MessageId = string & { readonly [brand]: 'MessageId' };

export const userId = (text: string): UserId => text as UserId;
export const groupId = (text: string): GroupId => text as GroupId;
export const messageId = (value: bigint): MessageId => value.toString() as MessageId;

export const directChatId = (them: UserId): ChatId => `d:${them}` as ChatId;
export const groupChatId = (group: GroupId): ChatId => `g:${group}` as ChatId;

export type ChatTarget = { kind: 'direct'; them: UserId } | { kind: 'group'; group: GroupId };

const PRINCIPAL = /^[a-z0-9]{1,5}(-[a-z0-9]{1,5})*$/;

/** `null` for text that is not a chat id (an address typed by hand, an old link). */
export function parseChatId(text: string): ChatTarget | null {
  const rest = text.slice(2);
  if (!PRINCIPAL.test(rest)) return null;
  if (text.startsWith('d:')) return { kind: 'direct', them: rest as UserId };
  if (text.startsWith('g:')) return { kind: 'group', group: rest as GroupId };
  return null;
}

/** 64 random bits: a clash within one chat stays out of reach even after billions of messages. */
export function newMessageId(random: (bytes: Uint8Array<ArrayBuffer>) => void = (b) => crypto.getRandomValues(b)): MessageId {
  const bytes = new Uint8Array(8);
  random(bytes);
  return messageId(new DataView(bytes.buffer).getBigUint64(0));
}
