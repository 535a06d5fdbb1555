import { LogLevel, field, logDebug, logError, logInfo, logWarn, setLogLevel } from "../../../../../cdk/log";

export function log(least: u8, level: u8, text: string): void {
  setLogLevel(<LogLevel>least);
  const line = text + field("units", text.length);
  if (level == LogLevel.Debug) logDebug(line);
  else if (level == LogLevel.Info) logInfo(line);
  else if (level == LogLevel.Warn) logWarn(line);
  else logError(line);
}
