// Who I am and how the connection is, as the screens see it.

import type { ParleyDatabase, SessionState } from '../../db/database.ts';
import type { Me } from '../../domain/chat.ts';
import { RequestError } from '../../domain/failure.ts';
import type { UserId } from '../../domain/ids.ts';
import type { EngineClient } from '../../sync/engine-client.ts';
import type { Connection, TabChannel, TabMessage } from '../../sync/tab-channel.ts';
import { notices } from '../notices.svelte.ts';

/** The sign-in library, behind what this app needs of it. */
export interface SignIn {
  /** Loads what a sign-in needs, so that the window can open within the tap. */
  prepare(): Promise<void>;
  /** Opens the identity page. Rejects with a RequestError; `cancelled` when the person closed the window. */
  signIn(): Promise<'signed-in' | 'cancelled'>;
  signOut(): Promise<void>;
}

const PRESENCE_MS = 10_000;

export class Session {
  readonly signIn: SignIn;
  readonly #db: ParleyDatabase;
  readonly #engine: EngineClient;
  readonly #channel: TabChannel;
  readonly #tab = crypto.randomUUID();

  #state = $state.raw<SessionState | 'unknown'>('unknown');
  #me = $state.raw<Me | null>(null);
  #connection = $state.raw<Connection>('connecting');
  #startProblem = $state.raw<RequestError | null>(null);
  #activeAt = Date.now();
  #toldAt = 0;

  constructor(db: ParleyDatabase, engine: EngineClient, channel: TabChannel, signIn: SignIn) {
    this.#db = db;
    this.#engine = engine;
    this.#channel = channel;
    this.signIn = signIn;
  }

  get state(): SessionState | 'unknown' {
    return this.#state;
  }

  get me(): Me | null {
    return this.#me;
  }

  /** Only where a screen exists because somebody is signed in. */
  get myId(): UserId {
    if (!this.#me) throw new Error('nobody is signed in');
    return this.#me.userId;
  }

  get connection(): Connection {
    return this.#connection;
  }

  get startProblem(): RequestError | null {
    return this.#startProblem;
  }

  /** From the local database, before any network: decides the first screen. */
  async restore(): Promise<void> {
    this.#me = (await this.#db.getMeta('me')) ?? null;
    const stored = (await this.#db.getMeta('session')) ?? 'signed-out';
    this.#state = this.#me ? (stored === 'expired' ? 'expired' : 'ready') : stored === 'needs-username' ? stored : 'signed-out';
    if (stored === 'expired') this.#connection = 'expired';
  }

  /** Starts the engine and tells it about this tab. Answers a function that ends it. */
  connect(): () => void {
    const unlisten = this.#channel.listen((message) => this.#hear(message));
    const onvisible = (): void => this.#tell(true);
    const onactive = (): void => {
      this.#activeAt = Date.now();
      if (this.#activeAt - this.#toldAt > PRESENCE_MS) this.#tell();
    };
    const onleave = (): void => this.#channel.post({ kind: 'presence', tab: this.#tab, visible: false, activeAt: this.#activeAt });
    document.addEventListener('visibilitychange', onvisible);
    addEventListener('pagehide', onleave);
    for (const event of ['pointerdown', 'keydown', 'wheel', 'touchmove']) addEventListener(event, onactive, { passive: true });
    this.#channel.post({ kind: 'hello' });
    this.#tell();
    void this.start();
    return () => {
      unlisten();
      document.removeEventListener('visibilitychange', onvisible);
      removeEventListener('pagehide', onleave);
      for (const event of ['pointerdown', 'keydown', 'wheel', 'touchmove']) removeEventListener(event, onactive);
    };
  }

  async start(): Promise<void> {
    this.#startProblem = null;
    try {
      this.#state = await this.#engine.start();
      this.#me = (await this.#db.getMeta('me')) ?? null;
      if (this.#state === 'expired') this.#connection = 'expired';
      else if (this.#connection === 'expired') this.#connection = 'connecting';
    } catch (error) {
      if (!(error instanceof RequestError)) throw error;
      // With local data the screens work on; without, the person has to know.
      this.#startProblem = error;
      if (this.#state === 'unknown') this.#state = 'signed-out';
      if (this.#me) this.#connection = error.code === 'offline' ? 'offline' : 'unreachable';
    }
  }

  registered(me: Me): void {
    this.#me = me;
    this.#state = 'ready';
  }

  profileChanged(me: Me): void {
    this.#me = me;
  }

  /** Leaves nothing of this person on the device. */
  async signOut(): Promise<void> {
    await this.#engine.stop();
    await this.signIn.signOut();
    this.#channel.post({ kind: 'signed-out' });
    await this.#db.delete();
    location.replace('/');
  }

  #tell(becameVisible = false): void {
    const visible = document.visibilityState === 'visible';
    if (becameVisible && visible) this.#activeAt = Date.now();
    this.#toldAt = Date.now();
    this.#channel.post({ kind: 'presence', tab: this.#tab, visible, activeAt: this.#activeAt });
  }

  #hear(message: TabMessage): void {
    switch (message.kind) {
      case 'who':
        this.#tell();
        break;
      case 'connection':
        this.#connection = message.connection;
        break;
      case 'refused':
        notices.show({ refused: message.action, code: message.code });
        break;
      case 'signed-out':
        this.#db.close();
        location.replace('/');
        break;
    }
  }
}
