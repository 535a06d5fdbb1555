// Who may do what with whom in a group: the canister's rules, so that nothing is offered that it refuses.

import type { Role } from '../../domain/chat.ts';

/** Inviting, renaming, removing, taking invitations back. */
export const manages = (mine: Role): boolean => mine !== 'member';

/** Owners go by their own will, or after stepping down. */
export const mayRemove = (mine: Role, theirs: Role): boolean => mine !== 'member' && theirs !== 'owner';

/** Roles that somebody can be given. */
export const rolesToGive = (mine: Role, theirs: Role): Role[] =>
  mine === 'owner' ? (['owner', 'admin', 'member'] as const).filter((role) => role !== theirs) : [];
