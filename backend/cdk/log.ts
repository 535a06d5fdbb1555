/**
 * Structured lines in the canister's own log (readable by its controllers, kept by the system over
 * upgrades and traps): `level message key=value …`.
 *
 * Never put what users wrote, their names or principals into a log: it can be made public.
 */
import { print } from "./api";

export enum LogLevel { Debug, Info, Warn, Error }

let threshold: LogLevel = LogLevel.Info;

/** Longest line: the system keeps 4 KiB in all by default. */
const MAX_CHARS: i32 = 400;

/** Lines below this level are dropped. */
export function setLogLevel(level: LogLevel): void { threshold = level; }

function write(level: LogLevel, name: string, text: string): void {
  if (level < threshold) return;
  print(name + " " + (text.length > MAX_CHARS ? text.substring(0, MAX_CHARS) + "…" : text));
}

export function logDebug(text: string): void { write(LogLevel.Debug, "debug", text); }
export function logInfo(text: string): void { write(LogLevel.Info, "info", text); }
export function logWarn(text: string): void { write(LogLevel.Warn, "warn", text); }
export function logError(text: string): void { write(LogLevel.Error, "error", text); }

/** `key=value` for a line. */
export function field(key: string, value: u64): string { return " " + key + "=" + value.toString(); }
