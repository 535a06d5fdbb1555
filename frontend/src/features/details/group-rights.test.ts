import { describe, expect, it } from 'vitest';
import { manages, mayRemove, rolesToGive } from './group-rights.ts';

describe('rights in a group', () => {
  it('members manage nothing and remove nobody', () => {
    expect(manages('member')).toBe(false);
    expect(['owner', 'admin', 'member'].map((role) => mayRemove('member', role as never))).toEqual([false, false, false]);
    expect(rolesToGive('member', 'member')).toEqual([]);
  });

  it('admins remove everybody but owners and give no roles', () => {
    expect(manages('admin')).toBe(true);
    expect(['owner', 'admin', 'member'].map((role) => mayRemove('admin', role as never))).toEqual([false, true, true]);
    expect(rolesToGive('admin', 'member')).toEqual([]);
  });

  it('owners give every other role and remove everybody but owners, who step down first', () => {
    expect(['owner', 'admin', 'member'].map((role) => mayRemove('owner', role as never))).toEqual([false, true, true]);
    expect(rolesToGive('owner', 'admin')).toEqual(['owner', 'member']);
  });
});
