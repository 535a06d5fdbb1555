import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

/** `PARLEY_DAMAGE_TRIALS=5000` for a long run. */
const TRIALS = Number(process.env['PARLEY_DAMAGE_TRIALS'] ?? 420);
const FIRST_SEED = 1;

function runTrials(): Promise<{ ending: string; lines: readonly string[]; errors: string }> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [fileURLToPath(new URL('./damage-trials.ts', import.meta.url)), String(FIRST_SEED), String(TRIALS)]);
    let output = '';
    let errors = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
    child.once('close', (code, signal) => resolve({ ending: signal ?? `code ${code}`, lines: output.trim().split('\n'), errors }));
  });
}

test(
  'C2 of hundreds of damaged checkpoints each is refused with what to do, or opens with every record as written; none ends the process',
  async () => {
    const { ending, lines, errors } = await runTrials();
    expect(ending, `${lines.at(-1)}\n${errors}`).toBe('code 0');
    const endings = JSON.parse(lines.at(-1)!) as Record<string, { refused: number; same: number }>;
    const total = { refused: 0, same: 0 };
    for (const { refused, same } of Object.values(endings)) {
      total.refused += refused;
      total.same += same;
    }
    expect(total.refused + total.same).toBe(TRIALS);
    // Damage to what nothing points to is no damage; if all were of this kind, the trials would show nothing.
    expect(total.refused).toBeGreaterThan(TRIALS / 4);
    expect(endings['the whole file of an earlier commit']!.same).toBe(0);
  },
  60_000 + TRIALS * 300,
);
