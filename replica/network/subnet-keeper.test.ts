import { describe, expect, test } from 'vitest';
import type { NodeHost, SubnetNodeApi } from '../node/types.ts';
import { OpenFailure, SubnetKeeper } from './subnet-keeper.ts';
import type { KeptNode, KeptWorker } from './subnet-keeper.ts';

const SUBNET_ID = 'aaaaa-subnet';

type Opening = 'well' | 'passing' | 'lasting';

class FakeWorker implements KeptWorker {
  readonly #opening: Opening;
  #host: Omit<NodeHost, 'sendSlice'> | undefined;
  begun = 0;
  ended = 0;
  stopped: { crash: boolean } | undefined;
  /** Asks wait for ever, until it fails. */
  silent = false;
  #failWaiting: (error: Error) => void = () => {};

  constructor(opening: Opening) {
    this.#opening = opening;
  }

  async open(host: Omit<NodeHost, 'sendSlice'>): Promise<KeptNode> {
    this.#host = host;
    if (this.#opening !== 'well') throw new OpenFailure('the checkpoint does not open', this.#opening === 'lasting');
    const api = {
      query: () => (this.silent ? new Promise((_, reject) => (this.#failWaiting = reject)) : Promise.resolve({ kind: 'replied' })),
      overview: () => Promise.resolve({ height: 7 }),
      stop: (options: { crash: boolean }) => Promise.resolve(void (this.stopped = options)),
    } as unknown as SubnetNodeApi;
    return { api, begin: () => void this.begun++ };
  }

  end(): Promise<void> {
    this.ended++;
    return Promise.resolve();
  }

  fail(reason: string): void {
    this.#host!.broken(reason);
    this.#failWaiting(new Error(reason));
    // When its thread ends after that, it is said once more.
    this.#host!.broken('the worker ended');
  }
}

class Setting {
  readonly workers: FakeWorker[] = [];
  readonly events: string[] = [];
  readonly pauses: number[] = [];
  rejoined = 0;
  now = 0;
  /** How the next workers open; the last for all that follow. */
  openings: Opening[] = ['well'];
  #resume: (() => void) | undefined;
  readonly keeper: SubnetKeeper;

  constructor(isDurable = true) {
    const newWorker = (): FakeWorker => {
      const worker = new FakeWorker(this.openings.length > 1 ? this.openings.shift()! : this.openings[0]!);
      this.workers.push(worker);
      return worker;
    };
    this.keeper = new SubnetKeeper(
      {
        subnetId: SUBNET_ID,
        isDurable,
        newWorker,
        rejoin: () => Promise.resolve(void this.rejoined++),
        certified: () => {},
        log: (_, event, { reason }) => this.events.push(reason === undefined ? event : `${event}: ${String(reason)}`),
        later: (millis, callback) => {
          this.pauses.push(millis);
          this.#resume = callback;
          return () => (this.#resume = undefined);
        },
        nowMillis: () => this.now,
      },
      newWorker(),
    );
  }

  get newest(): FakeWorker {
    return this.workers.at(-1)!;
  }

  /** The pause is over. */
  async resume(): Promise<void> {
    const resume = this.#resume;
    this.#resume = undefined;
    resume?.();
    await settled();
  }

  async fail(reason: string): Promise<void> {
    this.newest.fail(reason);
    await settled();
  }

  query(): ReturnType<SubnetNodeApi['query']> {
    return this.keeper.api.query({} as Parameters<SubnetNodeApi['query']>[0]);
  }
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

async function running(isDurable = true): Promise<Setting> {
  const setting = new Setting(isDurable);
  await setting.keeper.open();
  setting.keeper.begin();
  return setting;
}

describe('a subnet whose worker fails', () => {
  test('is started again after a pause, joins the others, and answers as before', async () => {
    const setting = await running();
    await setting.fail('a bug');
    expect([setting.workers.length, setting.workers[0]!.ended, setting.keeper.status]).toEqual([1, 1, { state: 'restarting', reason: 'a bug', restarts: 0 }]);
    await setting.resume();
    expect([setting.rejoined, setting.newest.begun, setting.keeper.status]).toEqual([1, 1, { state: 'running', reason: 'a bug', restarts: 1 }]);
    expect(await setting.query()).toEqual({ kind: 'replied' });
    expect(setting.events).toEqual(['subnet.failed: a bug', 'subnet.restarted']);
  });

  test('answers meanwhile with a 503 that names it, also to who was waiting', async () => {
    const setting = await running();
    setting.newest.silent = true;
    const waiting = setting.query();
    await setting.fail('a bug');
    const expected = { kind: 'unavailable', httpStatus: 503, text: expect.stringMatching(new RegExp(`${SUBNET_ID}.*being restarted`)) };
    expect(await waiting).toEqual(expected);
    expect(await setting.query()).toEqual(expected);
    await expect(setting.keeper.api.overview('summary')).rejects.toThrow(SUBNET_ID);
    await setting.keeper.api.receiveSlice(new Uint8Array(0), new Uint8Array(0));
    expect(await setting.keeper.api.sliceFor(new Uint8Array(0))).toBeUndefined();
  });

  test('again and again is given up, after pauses that grow', async () => {
    const setting = await running();
    for (let times = 0; times < 6; times++) {
      await setting.fail(`failure ${times}`);
      await setting.resume();
    }
    expect(setting.pauses).toEqual([250, 500, 1000, 2000, 4000]);
    expect(setting.keeper.status).toMatchObject({ state: 'down', reason: expect.stringContaining('failure 5') });
    expect(await setting.query()).toMatchObject({ httpStatus: 503, text: expect.stringContaining('could not be restarted') });
    expect(setting.events.at(-1)).toMatch(/^subnet.down: it failed 6 times/);
  });

  test('and does not open at first is tried again', async () => {
    const setting = await running();
    setting.openings = ['passing', 'passing', 'well'];
    await setting.fail('a bug');
    for (let times = 0; times < 3; times++) await setting.resume();
    expect([setting.keeper.status.state, setting.pauses]).toEqual(['running', [250, 500, 1000]]);
    expect(setting.workers.slice(0, -1).every(({ ended }) => ended === 1)).toBe(true);
  });

  test('and is damaged is given up at once, saying why', async () => {
    const setting = await running();
    setting.openings = ['lasting'];
    await setting.fail('a bug');
    await setting.resume();
    expect([setting.pauses.length, setting.keeper.status]).toEqual([1, { state: 'down', reason: 'the checkpoint does not open', restarts: 0 }]);
  });

  test('and keeps nothing on the disk is not started again: it would come back empty', async () => {
    const setting = await running(false);
    await setting.fail('a bug');
    await setting.resume();
    expect([setting.workers.length, setting.keeper.status]).toEqual([1, { state: 'down', reason: expect.stringContaining('nothing of this subnet is on the disk'), restarts: 0 }]);
  });

  test('long after the last time begins anew with short pauses', async () => {
    const setting = await running();
    for (let times = 0; times < 8; times++) {
      setting.now += 60_000;
      await setting.fail('a bug');
      await setting.resume();
    }
    expect(setting.pauses).toEqual(Array(8).fill(250));
    expect(setting.keeper.status).toMatchObject({ state: 'running', restarts: 8 });
  });

  test('can be stopped while it waits to be started', async () => {
    const setting = await running();
    await setting.fail('a bug');
    await setting.keeper.stop({ crash: false });
    await setting.resume();
    expect([setting.workers.length, setting.keeper.status.state]).toEqual([1, 'restarting']);
  });
});

test('a subnet that runs is stopped as asked, and its end is no failure', async () => {
  const setting = await running();
  await setting.keeper.stop({ crash: false });
  setting.newest.fail('the worker ended');
  await settled();
  expect([setting.newest.stopped, setting.newest.ended, setting.events]).toEqual([{ crash: false }, 1, []]);
});
