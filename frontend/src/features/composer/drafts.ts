// Drafts that are typed and not stored yet, over all composers of this page.

const unsaved = new Set<() => Promise<void>>();

export const draftChanged = (save: () => Promise<void>): void => void unsaved.add(save);
export const draftSaved = (save: () => Promise<void>): void => void unsaved.delete(save);
export const isUnsaved = (save: () => Promise<void>): boolean => unsaved.has(save);

/** Writes every draft now: before an update replaces the page, or the page goes away. */
export async function saveAllDrafts(): Promise<void> {
  await Promise.all([...unsaved].map((save) => save()));
}
