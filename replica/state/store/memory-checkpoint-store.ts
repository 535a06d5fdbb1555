/** A checkpoint store that ends with the process: for networks without a state folder, and as the model in tests. */
import type { CheckpointInfo, CheckpointStore, RecordChange } from './checkpoint-store.ts';

export class MemoryCheckpointStore implements CheckpointStore {
  #info: CheckpointInfo | undefined;
  #records = new Map<string, Uint8Array>();

  latest(): CheckpointInfo | undefined {
    return this.#info;
  }

  get(key: Uint8Array): Uint8Array | undefined {
    return this.#records.get(keyText(key))?.slice();
  }

  *entries(prefix: Uint8Array): Iterable<{ key: Uint8Array; value: Uint8Array }> {
    const start = keyText(prefix);
    const keys = [...this.#records.keys()].filter((key) => key.startsWith(start)).sort();
    for (const key of keys) yield { key: Uint8Array.from(Buffer.from(key, 'latin1')), value: this.#records.get(key)!.slice() };
  }

  async commit(info: CheckpointInfo, changes: Iterable<RecordChange>): Promise<void> {
    for (const change of changes) {
      if (change.kind === 'put') this.#records.set(keyText(change.key), change.value.slice());
      else if (change.kind === 'remove') this.#records.delete(keyText(change.key));
      else {
        const start = keyText(change.prefix);
        for (const key of [...this.#records.keys()]) if (key.startsWith(start)) this.#records.delete(key);
      }
    }
    this.#info = info;
  }

  async close(): Promise<void> {}
}

/** One character a byte: compares as the bytes do. */
function keyText(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString('latin1');
}
