// The identity page's own words. It is a site of its own, so it carries its own small catalogue.

const en = {
  brand: 'Parley sign-in',
  signInTo: 'Sign in to',
  intro: 'Your passkey stays on your device. The app only learns a name that is made for it alone.',
  create: 'Create an identity',
  continue: 'Continue with your passkey',
  existing: 'I have a passkey already',
  other: 'Use another passkey',
  newIdentity: 'Create a new identity',
  nameLabel: 'A name for your passkey',
  nameHint: 'So that you recognise it later. Only you see it.',
  namePlaceholder: 'For example: Ana’s phone',
  defaultName: 'My passkey',
  createNow: 'Create passkey',
  back: 'Back',
  cancel: 'Cancel',
  working: 'Signing in…',
  touch: 'Follow your browser’s question…',
  done: 'You are signed in',
  doneText: 'This window closes by itself.',
  close: 'Close window',
  connecting: 'Connecting to the app…',
  noApp: 'No app is asking',
  noAppText: 'This page was opened without an app that wants to sign you in. Go back to the app and try again.',
  wrongOrigin: 'This app may not ask for that',
  wrongOriginText: 'It asked for the identity of another site, and that site has not agreed.',
  unsupported: 'This browser cannot use passkeys',
  unsupportedText: 'Update your browser, or open this page in another one.',
  manageTitle: 'Your passkeys',
  manageIntro: 'Each passkey is a way into your identity. Have at least two, on different devices.',
  manageStart: 'See your passkeys',
  add: 'Add a passkey',
  rename: 'Rename',
  save: 'Save',
  remove: 'Remove',
  removeTitle: (name: string) => `Remove “${name}”?`,
  removeText: 'You cannot sign in with it any more. It stays on the device until you delete it there.',
  removeThis: 'This is the passkey you signed in with.',
  lastOne: 'This is your only passkey. Add another one before you remove it, or you lock yourself out.',
  inUse: 'in use now',
  lastUsed: (when: string) => `Last used ${when}`,
  neverUsed: 'Not used yet',
  signOut: 'Done',
  loading: 'Loading your passkeys',
  errors: {
    cancelled: 'Nothing happened: it was cancelled, took too long, or there is no passkey for this site here.',
    'already-there': 'This device has a passkey for your identity already.',
    unsupported: 'This browser or device cannot make such a passkey.',
    failed: 'The passkey did not work.',
    unreachable: 'The network cannot be reached. Try again in a moment.',
    'unknown-passkey': 'This passkey belongs to no identity here. Create a new identity, or use another passkey.',
    'rate-limited': 'Too many new identities right now. Try again in a minute.',
    full: 'No more identities can be created.',
    refused: 'The identity service refused. Try again.',
  },
};

type Words = typeof en;

const de: Words = {
  brand: 'Parley-Anmeldung',
  signInTo: 'Anmelden bei',
  intro: 'Dein Passkey bleibt auf deinem Gerät. Die App erfährt nur einen Namen, der allein für sie gemacht ist.',
  create: 'Identität anlegen',
  continue: 'Weiter mit deinem Passkey',
  existing: 'Ich habe schon einen Passkey',
  other: 'Anderen Passkey verwenden',
  newIdentity: 'Neue Identität anlegen',
  nameLabel: 'Ein Name für deinen Passkey',
  nameHint: 'Damit du ihn wiedererkennst. Nur du siehst ihn.',
  namePlaceholder: 'Zum Beispiel: Anas Telefon',
  defaultName: 'Mein Passkey',
  createNow: 'Passkey anlegen',
  back: 'Zurück',
  cancel: 'Abbrechen',
  working: 'Anmeldung läuft…',
  touch: 'Folge der Frage deines Browsers…',
  done: 'Du bist angemeldet',
  doneText: 'Dieses Fenster schließt sich von selbst.',
  close: 'Fenster schließen',
  connecting: 'Verbindung zur App…',
  noApp: 'Keine App fragt an',
  noAppText: 'Diese Seite wurde ohne eine App geöffnet, die dich anmelden will. Geh zurück zur App und versuche es noch einmal.',
  wrongOrigin: 'Das darf diese App nicht verlangen',
  wrongOriginText: 'Sie wollte die Identität einer anderen Seite, und die hat nicht zugestimmt.',
  unsupported: 'Dieser Browser kann keine Passkeys',
  unsupportedText: 'Aktualisiere ihn, oder öffne die Seite in einem anderen.',
  manageTitle: 'Deine Passkeys',
  manageIntro: 'Jeder Passkey ist ein Weg zu deiner Identität. Habe mindestens zwei, auf verschiedenen Geräten.',
  manageStart: 'Passkeys ansehen',
  add: 'Passkey hinzufügen',
  rename: 'Umbenennen',
  save: 'Sichern',
  remove: 'Entfernen',
  removeTitle: (name) => `„${name}“ entfernen?`,
  removeText: 'Du kannst dich dann nicht mehr damit anmelden. Auf dem Gerät bleibt er, bis du ihn dort löschst.',
  removeThis: 'Mit diesem Passkey bist du gerade angemeldet.',
  lastOne: 'Das ist dein einziger Passkey. Füge erst einen weiteren hinzu, sonst sperrst du dich aus.',
  inUse: 'gerade in Gebrauch',
  lastUsed: (when) => `Zuletzt benutzt ${when}`,
  neverUsed: 'Noch nicht benutzt',
  signOut: 'Fertig',
  loading: 'Deine Passkeys werden geladen',
  errors: {
    cancelled: 'Es ist nichts geschehen: abgebrochen, zu lange gedauert, oder hier gibt es keinen Passkey für diese Seite.',
    'already-there': 'Dieses Gerät hat schon einen Passkey für deine Identität.',
    unsupported: 'Dieser Browser oder dieses Gerät kann einen solchen Passkey nicht anlegen.',
    failed: 'Der Passkey hat nicht funktioniert.',
    unreachable: 'Das Netz ist nicht erreichbar. Versuche es gleich noch einmal.',
    'unknown-passkey': 'Dieser Passkey gehört hier zu keiner Identität. Lege eine neue an, oder nimm einen anderen Passkey.',
    'rate-limited': 'Gerade entstehen zu viele neue Identitäten. Versuche es in einer Minute.',
    full: 'Es können keine weiteren Identitäten angelegt werden.',
    refused: 'Der Anmeldedienst hat abgelehnt. Versuche es noch einmal.',
  },
};

export type ErrorName = keyof Words['errors'];

class WordsState {
  #words = $state.raw<Words>(en);
  #locale = $state.raw('en');

  get t(): Words {
    return this.#words;
  }

  get locale(): string {
    return this.#locale;
  }

  use(preferred: readonly string[]): Promise<void> {
    const found = preferred.find((tag) => /^(en|de)\b/.test(tag)) ?? 'en';
    this.#locale = found;
    this.#words = found.startsWith('de') ? de : en;
    document.documentElement.lang = found.slice(0, 2);
    return Promise.resolve();
  }
}

export const words = new WordsState();
