/**
 * The process behind `POCKET_IC_BIN`.
 *
 * Always: of several processes started with one port file, one serves and the others leave at once
 * without an error; the port is in the file only after it is listened on; the file is gone when the
 * process is.
 */
import { openSync, rmSync, writeSync, closeSync } from 'node:fs';
import { parseCommandLine } from './command-line.ts';
import type { CommandLine } from './command-line.ts';
import { PocketServer } from './server.ts';

/** Longest delay that setTimeout takes. */
const MAX_TIMEOUT_MILLIS = 2 ** 31 - 1;

/** Undefined: another process has the file. */
function claim(portFile: string): number | undefined {
  try {
    return openSync(portFile, 'wx');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return undefined;
    throw error;
  }
}

async function serve(options: CommandLine): Promise<void> {
  const file = options.portFile === undefined ? undefined : claim(options.portFile);
  if (options.portFile !== undefined && file === undefined) return;

  let stopping = false;
  const stop = async (): Promise<void> => {
    if (stopping) return;
    stopping = true;
    if (options.portFile !== undefined) rmSync(options.portFile, { force: true });
    await server.close();
    process.exit(0);
  };
  let idle: NodeJS.Timeout | undefined;
  const watchIdle = (inFlight: number): void => {
    clearTimeout(idle);
    const millis = options.idleSeconds * 1000;
    if (inFlight === 0 && millis <= MAX_TIMEOUT_MILLIS) idle = setTimeout(() => void stop(), millis);
  };
  const server = new PocketServer({
    onActivity: watchIdle,
    onDebugPrint: (canister, text) => process.stderr.write(`[Canister ${canister.toText()}] ${text}\n`),
  });
  process.once('SIGINT', () => void stop());
  process.once('SIGTERM', () => void stop());
  try {
    const port = await server.listen(options.port, options.host);
    if (file !== undefined) {
      writeSync(file, `${port}\n`);
      closeSync(file);
    }
    process.stdout.write(`The PocketIC server is listening on port ${port}\n`);
  } catch (error) {
    if (options.portFile !== undefined) rmSync(options.portFile, { force: true });
    throw error;
  }
  watchIdle(0);
  const { hardSeconds } = options;
  if (hardSeconds !== undefined && hardSeconds * 1000 <= MAX_TIMEOUT_MILLIS) {
    setTimeout(() => void stop(), hardSeconds * 1000);
  }
}

try {
  await serve(parseCommandLine(process.argv.slice(2)));
} catch (error) {
  process.stderr.write(`pocket-ic: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
