import { describe, expect, it } from 'vitest';
import { ConfigError, parseRuntimeConfig } from './runtime-config.ts';

const good = {
  network: 'local',
  rootKey: '30'.repeat(133),
  apiHost: '',
  userIndex: 'aaaaa-aa',
  identityCanister: 'rdmx6-jaaaa-aaaaa-aaadq-cai',
  identityUrl: 'http://id.localhost:4943',
};

describe('the runtime configuration', () => {
  it('takes the page itself as the way to the network unless told otherwise', () => {
    expect(parseRuntimeConfig(good, 'http://parley.localhost:4943').apiHost).toBe('http://parley.localhost:4943');
    expect(parseRuntimeConfig({ ...good, apiHost: 'https://icp-api.io' }, 'x').apiHost).toBe('https://icp-api.io');
  });

  it.each([
    ['rootKey', undefined],
    ['rootKey', 'abc'],
    ['identityUrl', 'javascript:alert(1)'],
    ['userIndex', '../..'],
    ['apiHost', 'ftp://x'],
    ['network', ''],
  ])('refuses %s = %j', (field, value) => {
    expect(() => parseRuntimeConfig({ ...good, [field]: value }, 'http://x')).toThrow(ConfigError);
  });

  it('refuses what is no object', () => {
    for (const value of [null, undefined, 'x', 7]) expect(() => parseRuntimeConfig(value, 'http://x')).toThrow(ConfigError);
  });
});
