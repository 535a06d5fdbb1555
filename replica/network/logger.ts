/** Structured log: one JSON object a line on standard error, at or above a level. */
import type { LogFields, LogLevel } from '../node/types.ts';

export const LOG_LEVELS: readonly LogLevel[] = ['debug', 'info', 'warn', 'error'];

export type Logger = (level: LogLevel, event: string, fields?: LogFields) => void;

export function jsonLogger(lowest: LogLevel, write: (line: string) => void): Logger {
  const from = LOG_LEVELS.indexOf(lowest);
  return (level, event, fields = {}) => {
    if (LOG_LEVELS.indexOf(level) < from) return;
    const plain = Object.fromEntries(Object.entries(fields).map(([key, value]) => [key, typeof value === 'bigint' ? value.toString() : value]));
    write(JSON.stringify({ time: new Date().toISOString(), level, event, ...plain }) + '\n');
  };
}
