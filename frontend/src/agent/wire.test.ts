import { Principal } from '@dfinity/principal';
import { expect, it } from 'vitest';
import type { GroupUpdates } from '../../generated/group.did.ts';
import { groupUpdate, sinceVersion } from './wire.ts';

const updates = (version: bigint, stamp: [] | [bigint]): GroupUpdates => ({
  version,
  stamp,
  more: false,
  members_changed: false,
  events: [],
  summary: {
    group_id: Principal.anonymous(),
    name: 'Hikers',
    description: '',
    created: 0n,
    my_role: { Member: null },
    member_count: 1,
    latest_event_index: 0,
    latest_message: [],
  },
});

it('asks with the version and the stamp that the group gave', () => {
  const { version } = groupUpdate(updates(12n, [2n ** 64n - 1n]));
  expect(sinceVersion(version, false)).toEqual({ since: 12n, stamp: [2n ** 64n - 1n] });
  expect(sinceVersion(version, true)).toEqual({ since: 12n, stamp: [] });
});

it('asks without a stamp where there was none: at the beginning, and with what older releases stored', () => {
  expect(sinceVersion(groupUpdate(updates(7n, [])).version, false)).toEqual({ since: 7n, stamp: [] });
  expect(sinceVersion('0', false)).toEqual({ since: 0n, stamp: [] });
});
