import { describe, expect, it } from 'vitest';
import { LauncherArgumentError, parseLauncherArguments } from './arguments.ts';

const NEEDED = ['--state-dir', '/s', '--status-dir', '/t'];

describe('launcher arguments', () => {
  it('are read as the icp tool 1.5.0 gives them', () => {
    const args = ['--interface-version', '1.1.0', '--state-dir', '/a b/s', '--bind', '127.0.0.1', '--gateway-port', '8000', '--status-dir', '/t', '--subnet=application', '--subnet=system', '--domain=localhost'];
    expect(parseLauncherArguments(args)).toEqual({
      stateDir: '/a b/s',
      statusDir: '/t',
      bind: '127.0.0.1',
      gatewayPort: 8000,
      subnets: ['system', 'application', 'system'],
      domains: ['localhost'],
      verbose: false,
      ignored: [],
    });
  });

  it('choose a port and one application subnet when nothing is said', () => {
    expect(parseLauncherArguments(NEEDED)).toMatchObject({ gatewayPort: 0, subnets: ['system', 'application'], bind: '127.0.0.1' });
  });

  it('let the root subnet stand for those of well-known canisters', () => {
    expect(parseLauncherArguments([...NEEDED, '--subnet=nns', '--subnet=sns', '--subnet=fiduciary']).subnets).toEqual(['system', 'application']);
  });

  it('tolerate unknown flags without mistaking their values, and name what they ignore', () => {
    const parsed = parseLauncherArguments(['--future', ...NEEDED, '--other=x', '--third', 'value', '--ii', '--artificial-delay-ms=5', 'stray']);
    expect(parsed.stateDir).toBe('/s');
    expect(parsed.ignored).toEqual(['--future', '--other=x', '--third', 'stray', '--artificial-delay-ms', '--ii']);
  });

  it.each([
    [[]],
    [['--state-dir', '/s']],
    [[...NEEDED, '--gateway-port', 'x']],
    [[...NEEDED, '--gateway-port', '70000']],
    [[...NEEDED, '--subnet=moon']],
    [[...NEEDED, '--interface-version', '2.0.0']],
    [[...NEEDED, '--bind']],
  ])('are refused with a message: %j', (args) => {
    expect(() => parseLauncherArguments(args)).toThrow(LauncherArgumentError);
  });
});
