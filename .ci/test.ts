// Runs every suite of the repository in turn and ends with one plain line: `N passed, N failed`.
//
// A suite is a command plus a way to count its cases. Suites without cases of their own (type check,
// lint, build) count as one case each, so that a failure there is never lost in the sum.

import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { ensureBrowser } from "./browser.ts";

type Tally = { passed: number; failed: number; skipped: number; failures?: string[] };
type VitestReport = { testResults: { name: string; status: string; message: string; assertionResults: { status: string; fullName: string; failureMessages: string[] }[] }[] };
type PlaywrightSuite = { specs: { title: string; file: string; ok: boolean; tests: { results: { error?: { message?: string } }[] }[] }[]; suites?: PlaywrightSuite[] };
type Suite = { name: string; command: string[]; cwd?: string; report?: "vitest" | "playwright"; env?: Record<string, string> };

const root = join(import.meta.dirname, "..");
const bin = join(root, "node_modules", ".bin");
const reports = mkdtempSync(join(tmpdir(), "parley-test-"));

const vitest = (workspace: string): Suite => ({
  name: `${workspace}: unit and integration`,
  command: ["vitest", "run", "--reporter=default", "--reporter=json", `--outputFile.json=${join(reports, `${workspace}.json`)}`],
  cwd: workspace,
  report: "vitest",
});

const suites: Suite[] = [
  { name: "build canisters", command: ["node", "backend/tools/deploy/builds.ts", "canisters"] },
  { name: "build site", command: ["node", "backend/tools/deploy/builds.ts", "site"] },
  { name: "type check", command: ["npm", "run", "--silent", "typecheck"] },
  { name: "lint", command: ["eslint", "."] },
  vitest("replica"),
  vitest("backend"),
  vitest("frontend"),
  {
    name: "e2e",
    command: ["playwright", "test"],
    cwd: "e2e",
    report: "playwright",
    env: { PARLEY_BUILT: "1", PLAYWRIGHT_JSON_OUTPUT_NAME: join(reports, "e2e.json") },
  },
];

function run(suite: Suite): Promise<number> {
  return new Promise((resolve) => {
    const [command, ...args] = suite.command;
    const child = spawn(command!, args, {
      cwd: join(root, suite.cwd ?? "."),
      stdio: ["ignore", "inherit", "inherit"],
      env: { ...process.env, ...suite.env, PATH: `${bin}:${process.env["PATH"] ?? ""}` },
    });
    child.on("error", (error) => {
      console.error(`${suite.name}: ${error.message}`);
      resolve(127);
    });
    child.on("exit", (code, signal) => resolve(code ?? (signal === null ? 1 : 128)));
  });
}

/** What failed, by name and first lines of its message: told again after the last suite, where somebody who sees only the end looks. */
function vitestFailures(report: VitestReport): string[] {
  return report.testResults.flatMap((file) => {
    const cases = file.assertionResults.filter((test) => test.status === "failed");
    const path = relative(root, file.name);
    if (cases.length === 0) return file.status === "failed" ? [failure(path, file.message)] : [];
    return cases.map((test) => failure(`${path} › ${test.fullName}`, test.failureMessages.join("\n")));
  });
}

function playwrightFailures(report: { suites: PlaywrightSuite[] }): string[] {
  const inside = (suite: PlaywrightSuite): string[] => [
    ...suite.specs
      .filter((spec) => !spec.ok)
      .map((spec) => failure(`${spec.file} › ${spec.title}`, spec.tests.flatMap((test) => test.results.flatMap((result) => result.error?.message ?? [])).join("\n"))),
    ...(suite.suites ?? []).flatMap(inside),
  ];
  return report.suites.flatMap(inside);
}

const failure = (name: string, message: string): string => `  ${name}\n${message.split("\n").slice(0, 12).map((line) => `      ${line.slice(0, 300)}`).join("\n")}`;

/** Counts a suite's cases from its report. A report that is missing or says all is well after a non-zero exit is a failure. */
function count(suite: Suite, exitCode: number): Tally {
  const own = (): Tally => {
    if (suite.report === undefined) return { passed: exitCode === 0 ? 1 : 0, failed: exitCode === 0 ? 0 : 1, skipped: 0 };
    const file = suite.report === "vitest" ? join(reports, `${suite.cwd}.json`) : join(reports, "e2e.json");
    try {
      const report = JSON.parse(readFileSync(file, "utf8"));
      if (suite.report === "vitest") {
        return { passed: report.numPassedTests, failed: report.numFailedTests, skipped: report.numPendingTests + (report.numTodoTests ?? 0), failures: vitestFailures(report) };
      }
      const { expected, unexpected, flaky, skipped } = report.stats;
      return { passed: expected, failed: unexpected + flaky, skipped, failures: playwrightFailures(report) };
    } catch (error) {
      console.error(`${suite.name}: no readable report (${(error as Error).message})`);
      return { passed: 0, failed: 1, skipped: 0 };
    }
  };
  const tally = own();
  return exitCode !== 0 && tally.failed === 0 ? { ...tally, failed: 1 } : tally;
}

mkdirSync(reports, { recursive: true });
ensureBrowser();
const total: Tally = { passed: 0, failed: 0, skipped: 0 };
const lines: string[] = [];
const failures: string[] = [];
const only = process.argv.slice(2);
for (const suite of suites) {
  if (only.length > 0 && !only.some((word) => suite.name.includes(word))) continue;
  console.log(`\n── ${suite.name}`);
  const began = performance.now();
  const tally = count(suite, await run(suite));
  total.passed += tally.passed;
  total.failed += tally.failed;
  total.skipped += tally.skipped;
  if (tally.failed > 0) failures.push(`failed in ${suite.name}:`, ...(tally.failures ?? ["  see its output above"]));
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  lines.push(`${tally.failed === 0 ? "ok  " : "FAIL"} ${suite.name}: ${tally.passed} passed, ${tally.failed} failed, ${tally.skipped} skipped (${seconds} s)`);
}
rmSync(reports, { recursive: true, force: true });
console.log(`\n${lines.join("\n")}\n`);
if (failures.length > 0) console.log(`${failures.join("\n")}\n`);
console.log(`${total.passed} passed, ${total.failed} failed${total.skipped > 0 ? `, ${total.skipped} skipped` : ""}`);
process.exit(total.failed === 0 && total.passed > 0 ? 0 : 1);
