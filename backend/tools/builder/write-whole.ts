import { renameSync, writeFileSync } from 'node:fs';
import { threadId } from 'node:worker_threads';

/** Replaces a file in one step: builds may run side by side, and nobody may read half a file. */
export function writeWhole(path: string, content: string | Uint8Array): void {
  const temporary = `${path}.${process.pid}.${threadId}.new`;
  writeFileSync(temporary, content);
  renameSync(temporary, path);
}
