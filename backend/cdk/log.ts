/**
 * Structured lines in the canister's own log (readable by its controllers, kept by the system over
 * upgrades and traps): `level message key=value …`. One call writes one line: control characters,
 * line ends among them, become spaces, so that no text can pass for a line of its own.
 *
 * Never put what users wrote, their names or principals into a log: it can be made public.
 */
import { print } from "./api";

export enum LogLevel { Debug, Info, Warn, Error }

let threshold: LogLevel = LogLevel.Info;

/** Longest text of a line, in UTF-16 units: the system keeps 4 KiB in all by default. */
const MAX_CHARS: i32 = 400;

/** Lines below this level are dropped: below Info at first and after each upgrade. */
export function setLogLevel(level: LogLevel): void { threshold = level; }

function write(level: LogLevel, name: string, text: string): void {
  if (level < threshold) return;
  print(name + " " + oneLine(text));
}

function oneLine(text: string): string {
  let end = min(text.length, MAX_CHARS);
  // Not between the halves of a character.
  if (end < text.length && (text.charCodeAt(end - 1) & 0xfc00) == 0xd800) end--;
  let line = "";
  let from = 0;
  for (let i = 0; i < end; i++) {
    const c = text.charCodeAt(i);
    if (c >= 0x20 && c != 0x7f) continue;
    line += text.substring(from, i) + " ";
    from = i + 1;
  }
  return line + text.substring(from, end) + (end < text.length ? "…" : "");
}

export function logDebug(text: string): void { write(LogLevel.Debug, "debug", text); }
export function logInfo(text: string): void { write(LogLevel.Info, "info", text); }
export function logWarn(text: string): void { write(LogLevel.Warn, "warn", text); }
export function logError(text: string): void { write(LogLevel.Error, "error", text); }

/** `key=value` for a line. */
export function field(key: string, value: u64): string { return " " + key + "=" + value.toString(); }
