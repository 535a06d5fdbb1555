/** How a process that runs a network ends: SIGINT and SIGTERM stop the network first, a second signal does not wait. */
import type { Logger } from './logger.ts';
import type { Supervisor } from './supervisor.ts';

export function stopOnSignals(supervisor: Supervisor, log: Logger): void {
  let stopping = false;
  const stop = (): void => {
    if (stopping) process.exit(130);
    stopping = true;
    supervisor.stop().then(
      () => process.exit(0),
      (error: unknown) => {
        log('error', 'stop.failed', { reason: String(error) });
        process.exit(1);
      },
    );
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
}
