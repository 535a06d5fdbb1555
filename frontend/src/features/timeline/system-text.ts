// What happened in a group, in words.

import type { SystemEvent } from '../../domain/chat.ts';
import type { UserId } from '../../domain/ids.ts';
import type { Catalogue } from '../../i18n/en.ts';

/** More names than this are counted instead. */
const MAX_NAMED = 4;

export function systemText(t: Catalogue, event: SystemEvent, me: UserId, names: ReadonlyMap<UserId, string>, language: string): string {
  const who = (id: UserId): string => (id === me ? t.system.you : (names.get(id) ?? t.chat.someone));
  const whom = (id: UserId): string => (id === me ? t.system.youObject : who(id));
  switch (event.what) {
    case 'chat-created':
      return '';
    case 'group-created':
      return t.system.groupCreated(who(event.by), event.name);
    case 'invited':
      return t.system.invited(who(event.by), list(t, event.users.map(whom), language));
    case 'joined':
      return t.system.joined(who(event.user));
    case 'left':
      return t.system.left(who(event.user));
    case 'removed':
      return t.system.removed(who(event.by), whom(event.user));
    case 'role-changed':
      return t.system.roleChanged(who(event.by), whom(event.user), t.roles[event.role]);
    case 'renamed':
      return t.system.renamed(who(event.by), event.name);
  }
}

function list(t: Catalogue, people: readonly string[], language: string): string {
  const named = people.length > MAX_NAMED ? people.slice(0, MAX_NAMED - 1) : people;
  const rest = people.length - named.length;
  return new Intl.ListFormat(language).format(rest === 0 ? named : [...named, t.system.others(rest)]);
}
