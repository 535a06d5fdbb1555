// Choices that belong to this device. Kept where the first paint can read them without waiting
// (see `public/theme.js`).

import { i18n, LANGUAGES, type LanguageChoice } from '../i18n/i18n.svelte.ts';

export type Theme = 'system' | 'light' | 'dark';

export interface Settings {
  theme: Theme;
  language: LanguageChoice;
  enterSends: boolean;
  /** Of the list beside a conversation, px. */
  listWidth: number;
}

export const LIST_MIN_PX = 320;
export const LIST_MAX_PX = 380;
const LIST_PX = 344;

const STORAGE_KEY = 'parley-settings';

const hasKeyboard = (): boolean => matchMedia('(pointer: fine)').matches;

/** Anything malformed falls back to its default. */
export function parseSettings(text: string | null, enterSendsByDefault: boolean): Settings {
  let stored: Partial<Record<keyof Settings, unknown>> = {};
  try {
    const value: unknown = JSON.parse(text ?? '{}');
    if (typeof value === 'object' && value !== null) stored = value;
  } catch {
    // Not ours; the defaults serve.
  }
  const { theme, language, enterSends, listWidth } = stored;
  return {
    theme: theme === 'light' || theme === 'dark' ? theme : 'system',
    language: typeof language === 'string' && Object.hasOwn(LANGUAGES, language) ? (language as LanguageChoice) : 'auto',
    enterSends: typeof enterSends === 'boolean' ? enterSends : enterSendsByDefault,
    listWidth: typeof listWidth === 'number' && listWidth >= LIST_MIN_PX && listWidth <= LIST_MAX_PX ? listWidth : LIST_PX,
  };
}

class SettingsStore {
  #settings = $state.raw<Settings>(parseSettings(localStorage.getItem(STORAGE_KEY), hasKeyboard()));

  constructor() {
    addEventListener('storage', (event) => {
      if (event.key === STORAGE_KEY) this.#take(parseSettings(event.newValue, hasKeyboard()));
    });
  }

  get current(): Settings {
    return this.#settings;
  }

  change(change: Partial<Settings>): void {
    this.#take({ ...this.#settings, ...change });
    localStorage.setItem(STORAGE_KEY, JSON.stringify(this.#settings));
  }

  /** Puts theme and language into effect. */
  apply(): Promise<void> {
    const { theme, language } = this.#settings;
    if (theme === 'system') delete document.documentElement.dataset['theme'];
    else document.documentElement.dataset['theme'] = theme;
    return i18n.use(language);
  }

  #take(settings: Settings): void {
    this.#settings = settings;
    void this.apply();
  }
}

export const settings = new SettingsStore();
