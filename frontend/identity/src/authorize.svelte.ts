// Signing in for an app, step by step. Always: the person sees which origin asks before anything is
// granted; the app hears exactly one answer.

import { effectiveOrigin, USER_INTERRUPT, type AuthorizeChannel, type AuthorizeRequest } from './authorize-channel.ts';
import { IdentityError, type IdentityCanister, type PageSession } from './identity-canister.ts';
import { CeremonyError, passkeysSupported } from './passkey.ts';
import { rememberedPasskey, rememberPasskey } from './remembered.ts';
import type { ErrorName } from './words.svelte.ts';

export type Step =
  | 'connecting'
  | 'no-app'
  | 'wrong-origin'
  | 'unsupported'
  | 'choose'
  | 'name'
  | 'phrase'
  | 'join'
  | 'touch'
  | 'working'
  | 'done';

/** An app that waits should not wait for ever on a page that somebody forgot. */
const GIVE_UP_MS = 10 * 60_000;

export function errorName(error: unknown): ErrorName {
  if (error instanceof CeremonyError || error instanceof IdentityError) return error.reason;
  console.error(error);
  return 'failed';
}

export class Authorization {
  readonly #channel: AuthorizeChannel | null;
  readonly #canister: IdentityCanister;
  #step = $state.raw<Step>('connecting');
  #request = $state.raw<AuthorizeRequest | null>(null);
  #error = $state.raw<ErrorName | null>(null);
  #remembered = $state.raw(rememberedPasskey());

  constructor(channel: AuthorizeChannel | null, canister: IdentityCanister) {
    this.#channel = channel;
    this.#canister = canister;
  }

  get step(): Step {
    return this.#step;
  }

  get origin(): string {
    return this.#request?.origin ?? '';
  }

  get error(): ErrorName | null {
    return this.#error;
  }

  get returning(): boolean {
    return this.#remembered !== null;
  }

  async begin(): Promise<void> {
    this.#canister.prepare().catch(() => undefined);
    const request = (await this.#channel?.request) ?? null;
    if (!request) {
      this.#step = 'no-app';
      return;
    }
    this.#request = request;
    if (request.derivationOrigin !== null && effectiveOrigin(request.derivationOrigin) !== effectiveOrigin(request.origin)) {
      this.#step = 'wrong-origin';
      this.#channel?.fail('Unverified origin');
      return;
    }
    this.#step = passkeysSupported() ? 'choose' : 'unsupported';
    setTimeout(() => this.#channel?.fail('Timed out'), GIVE_UP_MS);
  }

  askName(): void {
    this.#error = null;
    this.#step = 'name';
  }

  askPhrase(): void {
    this.#error = null;
    this.#step = 'phrase';
  }

  askCode(): void {
    this.#error = null;
    this.#step = 'join';
  }

  /** This device has a passkey now, and its use is one tap away. */
  joined(credentialId: Uint8Array): void {
    rememberPasskey(credentialId);
    this.#remembered = credentialId;
    this.back();
  }

  back(): void {
    this.#error = null;
    this.#step = 'choose';
  }

  cancel(): void {
    this.#channel?.fail(USER_INTERRUPT);
    close();
  }

  /** `again` uses the passkey of last time, without choosing. */
  signIn(again: boolean): Promise<void> {
    return this.#grant(() => this.#canister.signIn(again ? this.#remembered : null), 'choose');
  }

  register(name: string): Promise<void> {
    return this.#grant(() => this.#canister.register(name), 'name');
  }

  recover(phrase: string): Promise<void> {
    return this.#grant(() => this.#canister.enterWithPhrase(phrase), 'phrase', 'working');
  }

  async #grant(enter: () => Promise<PageSession>, onfailure: Step, meanwhile: Step = 'touch'): Promise<void> {
    const request = this.#request;
    // Serialised: a second tap while one ceremony runs does nothing.
    if (!request || this.#step === 'touch' || this.#step === 'working') return;
    this.#error = null;
    this.#step = meanwhile;
    try {
      const session = await enter();
      if (session.credentialId) rememberPasskey(session.credentialId);
      this.#step = 'working';
      const { userKey, delegation } = await this.#canister.delegate(session, request);
      this.#step = 'done';
      this.#channel?.succeed(userKey, delegation);
    } catch (error) {
      this.#error = errorName(error);
      if (this.#error === 'unknown-passkey') this.#remembered = null;
      this.#step = onfailure;
    }
  }
}
