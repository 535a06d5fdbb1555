// Finds a Chromium for the browser tests, or gets one: an explicit CHROMIUM, the system's, Playwright's
// own, and at last Debian's package (which needs root). Fails with what to do when none can be had.

import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";

const candidates = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome", "/usr/bin/google-chrome-stable"];

/** Path of the browser to run, or undefined when Playwright's own is to be used. Sets CHROMIUM for children. */
export function findBrowser(): string | undefined {
  const named = process.env["CHROMIUM"];
  if (named !== undefined && named !== "") return named;
  return candidates.find((path) => existsSync(path));
}

export function ensureBrowser(): void {
  let path = findBrowser();
  if (path === undefined && process.getuid?.() === 0 && existsSync("/usr/bin/apt-get")) {
    console.log("Installing Chromium from Debian's packages …");
    const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
    spawnSync("apt-get", ["update", "-q"], { stdio: "inherit", env });
    spawnSync("apt-get", ["install", "-qy", "--no-install-recommends", "chromium", "fonts-dejavu-core", "fonts-noto-color-emoji"], { stdio: "inherit", env });
    path = findBrowser();
  }
  if (path === undefined) {
    const got = spawnSync("npx", ["--no-install", "playwright", "install", "chromium"], { stdio: "inherit" });
    if (got.status !== 0) {
      console.error("No Chromium found. Install one (Debian: apt-get install chromium) or set CHROMIUM to its path.");
      process.exit(1);
    }
    return;
  }
  process.env["CHROMIUM"] = path;
}
