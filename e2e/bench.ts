// What a person waits for: `npm run bench -w e2e [-- NAME…]`, one JSON line a figure.
//
//   first-start    a fresh clone, `make start`, to the printed URL: installs, builds, deploys
//   second-start   the same command again, with the state kept
//   send-to-seen   from Enter in one browser to the message in another, both active, median of 20

import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "@playwright/test";
import { chromiumOptions } from "./fixtures/chromium.ts";
import { Person } from "./fixtures/person.ts";
import { freePort, Stack } from "./fixtures/stack.ts";

const root = join(import.meta.dirname, "..");
const MESSAGES = 20;

const print = (name: string, value: number, unit: string, bar?: string): void =>
  console.log(JSON.stringify({ name, value, unit, ...(bar === undefined ? {} : { bar }) }));

/** Runs `make start` in `folder` until it prints its URL, then stops it. Answers the seconds. */
async function makeStart(folder: string, port: number): Promise<number> {
  const began = performance.now();
  const env = { ...process.env, PORT: String(port), PARLEY_STATE: "", PARLEY_BUILT: "", CLEAN: "" };
  const child = spawn("make", ["start"], { cwd: folder, env, stdio: ["ignore", "pipe", "pipe"], detached: true });
  let output = "";
  const seconds = await new Promise<number>((resolve, reject) => {
    const read = (data: Buffer): void => {
      output += String(data);
      if (output.includes("Open http://")) resolve((performance.now() - began) / 1000);
    };
    child.stdout.on("data", read);
    child.stderr.on("data", read);
    child.on("exit", (code) => reject(new Error(`make start ended with ${code}:\n${output}`)));
  });
  const gone = new Promise((resolve) => child.once("exit", resolve));
  process.kill(-child.pid!, "SIGINT");
  await gone;
  return seconds;
}

async function starts(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "parley bench "));
  try {
    const cloned = spawnSync("git", ["clone", "--quiet", root, join(folder, "parley")], { stdio: "inherit" });
    if (cloned.status !== 0) throw new Error("the repository could not be cloned");
    const port = await freePort();
    print("first-start", await makeStart(join(folder, "parley"), port), "s");
    print("second-start", await makeStart(join(folder, "parley"), port), "s", "≤ 10 s");
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function sendToSeen(): Promise<void> {
  const stack = await Stack.create();
  await stack.start();
  const browser = await chromium.launch(chromiumOptions());
  try {
    const ann = await Person.arrive(browser, stack);
    const ben = await Person.arrive(browser, stack);
    await ann.signUp("bench_ann");
    await ben.signUp("bench_ben");
    await ann.startChatWith("bench_ben");
    await ann.say("warm-up");
    await ben.openChat("bench_ann");
    const times: number[] = [];
    for (let i = 0; i < MESSAGES; i++) {
      const text = `message number ${i}.`;
      await ann.composer.fill(text);
      const seen = ben.message(text).waitFor();
      const began = performance.now();
      await ann.composer.press("Enter");
      await seen;
      times.push((performance.now() - began) / 1000);
    }
    times.sort((a, b) => a - b);
    print("send-to-seen", times[MESSAGES / 2]!, "s", "≤ 1.0 s");
  } finally {
    await browser.close();
    await stack.stop();
    stack.remove();
  }
}

const benches: [names: string[], run: () => Promise<void>][] = [
  [["first-start", "second-start"], starts],
  [["send-to-seen"], sendToSeen],
];
const only = process.argv.slice(2);
for (const [names, run] of benches) if (only.length === 0 || names.some((name) => only.includes(name))) await run();
