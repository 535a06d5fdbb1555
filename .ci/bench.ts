// `make bench`: runs every workspace's bench, keeps all figures in .ci/figures.json, and writes the table in the
// README from it. With names, only those workspaces; the others' figures stay as they were.

import { spawn } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { cpus, totalmem } from "node:os";
import { join } from "node:path";
import { ensureBrowser } from "./browser.ts";

interface Figure {
  name: string;
  value: number;
  unit: string;
  /** The same physical work done by a minimal program, on the same machine in the same run. */
  floor?: number;
  /** What was promised: in words (`≤ 2 × floor`), or the largest value allowed. */
  bar?: string | number;
}
type Figures = Record<string, Figure[]>;

const root = join(import.meta.dirname, "..");
const figuresFile = join(root, ".ci", "figures.json");
const readmeFile = join(root, "README.md");
const workspaces = ["replica", "backend", "frontend", "e2e"];

/** Prints what the bench prints, and answers its JSON lines. */
function bench(workspace: string): Promise<Figure[]> {
  return new Promise((resolve, reject) => {
    const child = spawn("npm", ["run", "--silent", "bench", "-w", workspace], { cwd: root, stdio: ["ignore", "pipe", "inherit"] });
    let rest = "";
    const figures: Figure[] = [];
    const take = (line: string): void => {
      console.log(line);
      if (!line.startsWith("{")) return;
      const figure = JSON.parse(line) as Figure;
      if (typeof figure.name === "string" && typeof figure.value === "number") figures.push(figure);
    };
    child.stdout.on("data", (data) => {
      const lines = (rest + String(data)).split("\n");
      rest = lines.pop()!;
      lines.forEach(take);
    });
    child.on("error", reject);
    child.on("exit", (code) => {
      if (rest !== "") take(rest);
      if (code === 0) resolve(figures);
      else reject(new Error(`the bench of ${workspace} ended with ${code}`));
    });
  });
}

function plain(value: number): string {
  const digits = value >= 100 || Number.isInteger(value) ? 0 : value >= 10 ? 1 : 2;
  return value.toLocaleString("en-GB", { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

function table(all: Figures): string {
  const rows = workspaces.flatMap((workspace) =>
    (all[workspace] ?? []).map(({ name, value, unit, floor, bar }) => {
      const ratio = floor === undefined ? "" : `${plain(floor)} ${unit} (${(value / floor).toFixed(2)} ×)`;
      return `| ${workspace} | ${name} | ${plain(value)} ${unit} | ${ratio} | ${typeof bar === "number" ? `≤ ${plain(bar)}` : (bar ?? "")} |`;
    }),
  );
  return ["| part | figure | value | floor (ratio) | bar |", "|---|---|---|---|---|", ...rows].join("\n");
}

const only = process.argv.slice(2);
const all: Figures = existsSync(figuresFile) ? (JSON.parse(readFileSync(figuresFile, "utf8")) as { figures: Figures }).figures : {};
if (only.length === 0 || only.includes("e2e") || only.includes("frontend")) ensureBrowser();
let failed = false;
for (const workspace of workspaces) {
  if (only.length > 0 && !only.includes(workspace)) continue;
  console.log(`\n── ${workspace}`);
  try {
    all[workspace] = await bench(workspace);
  } catch (error) {
    failed = true;
    console.error((error as Error).message);
  }
}
const machine = `${cpus().length} cores (${cpus()[0]?.model.trim() ?? "unknown"}), ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}`;
writeFileSync(figuresFile, `${JSON.stringify({ machine, figures: all }, null, 2)}\n`);
const readme = readFileSync(readmeFile, "utf8");
const marked = /(<!-- figures -->)[\s\S]*?(<!-- \/figures -->)/;
if (marked.test(readme)) writeFileSync(readmeFile, readme.replace(marked, `$1\nMeasured on ${machine}.\n\n${table(all)}\n$2`));
process.exit(failed ? 1 : 0);
