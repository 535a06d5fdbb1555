/**
 * The network launcher of the `icp` tool: what `icp network start` runs when `ICP_CLI_NETWORK_LAUNCHER_PATH` names the
 * script beside this file. Starts a network of this replica, installs the canisters that the tool relies on, then says
 * so in the status file. Ends on SIGINT and SIGTERM.
 */
import { join } from 'node:path';
import { toHex } from '../codec/bytes.ts';
import { jsonLogger } from '../network/logger.ts';
import { stopOnSignals } from '../network/stop-on-signals.ts';
import { startSupervisor } from '../network/supervisor.ts';
import { LauncherArgumentError, parseLauncherArguments } from './arguments.ts';
import { CUSTOM_DOMAINS_FILE, writeStatus } from './status-file.ts';
import { installSystemCanisters } from './system-canisters.ts';

async function main(): Promise<void> {
  const flags = parseLauncherArguments(process.argv.slice(2));
  const logLevel = flags.verbose ? 'info' : 'warn';
  const log = jsonLogger(logLevel, (line) => process.stderr.write(line));
  if (flags.ignored.length > 0) log('info', 'launcher.ignored-flags', { flags: flags.ignored.join(' ') });
  const supervisor = await startSupervisor({
    stateDir: flags.stateDir,
    clean: false,
    kinds: flags.subnets,
    port: flags.gatewayPort,
    bind: flags.bind,
    hostAliases: {},
    hostAliasFiles: [join(flags.statusDir, CUSTOM_DOMAINS_FILE)],
    logLevel,
    log,
  });
  stopOnSignals(supervisor, log);

  const { network, port } = supervisor;
  await installSystemCanisters(network, log);
  const application = network.registry.subnets.find(({ kind }) => kind === 'application')!;
  writeStatus(flags.statusDir, {
    gatewayPort: port,
    rootKey: toHex(network.status().rootKey),
    defaultEffectiveCanisterId: application.allocationRanges[0]!.start.toText(),
  });
}

main().catch((error: unknown) => {
  const text = error instanceof LauncherArgumentError || !(error instanceof Error) ? String(error) : (error.stack ?? error.message);
  process.stderr.write(`${text}\n`);
  process.exit(error instanceof LauncherArgumentError ? 2 : 1);
});
