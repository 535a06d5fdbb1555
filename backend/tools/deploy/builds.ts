// Builds the canisters and the sites unless nothing they are made from changed since the last build:
// `node backend/tools/deploy/builds.ts [canisters] [site]`.

import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dirname, "..", "..", "..");

interface Build {
  workspace: "backend" | "frontend";
  /** Files and folders, from the root. */
  inputs: string[];
  /** Lies in the output folder, so that it goes when the output goes. */
  stamp: string;
}

export const BUILDS = {
  canisters: {
    workspace: "backend",
    inputs: ["backend/canisters", "backend/cdk", "backend/chat", "backend/ledger", "backend/tools", "backend/package.json", "package-lock.json"],
    stamp: "backend/build/.stamp",
  },
  site: {
    workspace: "frontend",
    inputs: ["frontend", "backend/canisters", "package-lock.json"],
    stamp: "frontend/dist/.stamp",
  },
} satisfies Record<string, Build>;

const LEFT_OUT = new Set(["node_modules", "dist", "generated", "test-results"]);

/** Over names and contents: a checkout changes times without changing anything. */
function hashOf(inputs: readonly string[]): string {
  const hash = createHash("sha256");
  const add = (path: string): void => {
    if (!existsSync(path)) return;
    if (statSync(path).isDirectory()) {
      for (const entry of readdirSync(path).sort()) if (!LEFT_OUT.has(entry)) add(join(path, entry));
      return;
    }
    hash.update(path.slice(root.length)).update("\0").update(readFileSync(path)).update("\0");
  };
  for (const input of inputs) add(join(root, input));
  return hash.digest("hex");
}

/** Throws with the build's output when it fails. */
export function buildIfChanged({ workspace, inputs, stamp }: Build): void {
  const stampFile = join(root, stamp);
  const wanted = hashOf(inputs);
  if (existsSync(stampFile) && readFileSync(stampFile, "utf8") === wanted) return;
  const built = spawnSync("npm", ["run", "--silent", "build", "-w", workspace], { cwd: root, encoding: "utf8" });
  if (built.status !== 0) throw new Error(`the build of ${workspace} failed:\n${built.stdout}${built.stderr}`);
  process.stdout.write(built.stdout);
  writeFileSync(stampFile, wanted);
}

if (process.argv[1] === import.meta.filename) {
  const only = process.argv.slice(2);
  try {
    for (const [name, build] of Object.entries(BUILDS)) if (only.length === 0 || only.includes(name)) buildIfChanged(build);
  } catch (error) {
    console.error((error as Error).message);
    process.exit(1);
  }
}
