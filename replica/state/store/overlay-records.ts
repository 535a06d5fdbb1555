/**
 * A checkpoint store together with changes that are still on their way into it.
 *
 * Always: reads see the changes as soon as they are laid over, and go on seeing them until the store has them; a
 * commit that failed leaves them in place, and the next one begins with them.
 */
import type { CheckpointInfo, CheckpointStore, RecordChange } from './checkpoint-store.ts';
import type { RecordReaderPort } from './state-records.ts';

export class OverlayRecords implements RecordReaderPort {
  readonly #store: CheckpointStore;
  /** Not in the store yet, oldest first. */
  #changes: RecordChange[] = [];
  /** By key; undefined means removed. */
  #byKey = new Map<string, Uint8Array | undefined>();
  #removedPrefixes: string[] = [];

  constructor(store: CheckpointStore) {
    this.#store = store;
  }

  get(key: Uint8Array): Uint8Array | undefined {
    if (this.#changes.length === 0) return this.#store.get(key);
    const text = keyText(key);
    if (this.#byKey.has(text)) return this.#byKey.get(text);
    return this.#isRemoved(text) ? undefined : this.#store.get(key);
  }

  *entries(prefix: Uint8Array): Iterable<{ key: Uint8Array; value: Uint8Array }> {
    const start = keyText(prefix);
    for (const entry of this.#store.entries(prefix)) {
      const text = this.#changes.length > 0 ? keyText(entry.key) : '';
      if (this.#changes.length > 0 && (this.#byKey.has(text) || this.#isRemoved(text))) continue;
      yield entry;
    }
    for (const [text, value] of this.#byKey) {
      if (value && text.startsWith(start)) yield { key: Uint8Array.from(Buffer.from(text, 'latin1')), value };
    }
  }

  /** Lays `changes` over and writes everything that is not in the store yet. One at a time. */
  async commit(info: CheckpointInfo, changes: readonly RecordChange[]): Promise<void> {
    for (const change of changes) this.#lay(change);
    // Not spread into push: there may be hundreds of thousands.
    this.#changes = this.#changes.concat(changes);
    await this.#store.commit(info, this.#changes);
    this.#changes = [];
    this.#byKey.clear();
    this.#removedPrefixes = [];
  }

  #lay(change: RecordChange): void {
    if (change.kind === 'put') this.#byKey.set(keyText(change.key), change.value);
    else if (change.kind === 'remove') this.#byKey.set(keyText(change.key), undefined);
    else {
      const start = keyText(change.prefix);
      this.#removedPrefixes.push(start);
      for (const text of this.#byKey.keys()) if (text.startsWith(start)) this.#byKey.delete(text);
    }
  }

  #isRemoved(text: string): boolean {
    return this.#removedPrefixes.some((prefix) => text.startsWith(prefix));
  }
}

function keyText(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString('latin1');
}
