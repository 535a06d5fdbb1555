// Builds the site unless nothing it is made from changed since the last build.

import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dirname, "..", "..", "..");
const frontend = join(root, "frontend");
const stampFile = join(frontend, "dist", ".stamp");

/** Over names and contents: a checkout changes times without changing anything. */
function inputs(): string {
  const hash = createHash("sha256");
  const add = (path: string): void => {
    if (!existsSync(path)) return;
    if (statSync(path).isDirectory()) {
      for (const entry of readdirSync(path).sort()) if (entry !== "node_modules" && entry !== "dist") add(join(path, entry));
      return;
    }
    hash.update(path.slice(root.length)).update("\0").update(readFileSync(path)).update("\0");
  };
  add(frontend);
  add(join(root, "backend", "declarations"));
  add(join(root, "package-lock.json"));
  return hash.digest("hex");
}

const wanted = inputs();
if (existsSync(stampFile) && readFileSync(stampFile, "utf8") === wanted) process.exit(0);
const built = spawnSync("npm", ["run", "--silent", "build", "-w", "frontend"], { cwd: root, stdio: "inherit" });
if (built.status !== 0) process.exit(built.status ?? 1);
writeFileSync(stampFile, wanted);
