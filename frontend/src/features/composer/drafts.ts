// Drafts that are typed and not stored yet, over all composers of this page.

const unsaved = new Set<() => Promise<void>>();

export const draftChanged = (keep: () => Promise<void>): void => void unsaved.add(keep);
export const draftSaved = (keep: () => Promise<void>): void => void unsaved.delete(keep);
export const isUnsaved = (keep: () => Promise<void>): boolean => unsaved.has(keep);

/** Writes every draft now: before an update replaces the page, or the page goes away. */
export async function saveAllDrafts(): Promise<void> {
  await Promise.all([...unsaved].map((keep) => keep()));
}
