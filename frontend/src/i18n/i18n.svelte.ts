// The words on screen. English is in the bundle; other languages come when asked for, and until then
// English stands in.

import { en, type Catalogue } from './en.ts';

export const LANGUAGES = { en: 'English', de: 'Deutsch' } as const;
export type Language = keyof typeof LANGUAGES;
export type LanguageChoice = Language | 'auto';

const loaders: Record<Exclude<Language, 'en'>, () => Promise<Catalogue>> = {
  de: () => import('./de.ts').then((module) => module.de),
};

const RIGHT_TO_LEFT = new Set(['ar', 'fa', 'he', 'ur']);

const isLanguage = (text: string): text is Language => Object.hasOwn(LANGUAGES, text);

/** The first of the person's languages that there is. */
export function pickLanguage(choice: LanguageChoice, preferred: readonly string[]): Language {
  if (choice !== 'auto') return choice;
  for (const tag of preferred) {
    const base = tag.split('-')[0] ?? '';
    if (isLanguage(base)) return base;
  }
  return 'en';
}

class I18n {
  #catalogue = $state.raw<Catalogue>(en);
  #language = $state.raw<Language>('en');
  #locale = $state.raw('en');

  get t(): Catalogue {
    return this.#catalogue;
  }

  get language(): Language {
    return this.#language;
  }

  /** For dates and numbers: the language as this person's region writes it. */
  get locale(): string {
    return this.#locale;
  }

  async use(choice: LanguageChoice, preferred: readonly string[] = navigator.languages): Promise<void> {
    const language = pickLanguage(choice, preferred);
    if (language !== this.#language) {
      try {
        this.#catalogue = language === 'en' ? en : await loaders[language]();
        this.#language = language;
      } catch {
        // Offline before this language was ever loaded: the words that are there stay.
      }
    }
    this.#locale = preferred.find((tag) => tag.split('-')[0] === this.#language) ?? this.#language;
    document.documentElement.lang = this.#language;
    document.documentElement.dir = RIGHT_TO_LEFT.has(this.#language) ? 'rtl' : 'ltr';
  }
}

export const i18n = new I18n();
