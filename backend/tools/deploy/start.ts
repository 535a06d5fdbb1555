// `make start`: builds what changed, starts the network, deploys, prints the URL, and stops everything on
// Ctrl-C. State stays in .parley and is found again; CLEAN=1 begins anew; PORT=n asks for a port.

import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { Deployer, type NetworkInfo, SITE_HOSTS } from "./deploy.ts";
import { DeploymentStore } from "./deployment.ts";
import { Progress } from "./progress.ts";

const root = join(import.meta.dirname, "..", "..", "..");
const stateFolder = process.env["PARLEY_STATE"] || join(root, ".parley");
const DEFAULT_PORT = 4943;
/** A network that is not ready by then will not be; the log says why. */
const READY_TIMEOUT_MILLIS = 60_000;

const progress = new Progress();

/** The given port, or the first free one from the default on. Origins, and with them identities, depend on the port: it is kept. */
async function choosePort(store: DeploymentStore): Promise<number> {
  const asked = process.env["PORT"];
  if (asked) {
    const port = Number(asked);
    if (!Number.isInteger(port) || port < 1 || port > 65535) throw new Error(`PORT=${asked} is not a port number`);
    if (!(await isFree(port))) throw new Error(`port ${port} is in use; stop what uses it or give another with PORT=`);
    return port;
  }
  const kept = store.load()?.port;
  if (kept !== undefined) {
    if (await isFree(kept)) return kept;
    throw new Error(`port ${kept}, where this network lived before, is in use (is it running already?); stop what uses it or move with PORT=`);
  }
  for (let port = DEFAULT_PORT; port < DEFAULT_PORT + 100; port++) if (await isFree(port)) return port;
  throw new Error("no free port found; give one with PORT=");
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once("error", () => resolve(false));
    probe.listen(port, "127.0.0.1", () => probe.close(() => resolve(true)));
  });
}

function run(command: string, args: string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    let output = "";
    const child = spawn(command, args, { cwd: root, stdio: ["ignore", "pipe", "pipe"] });
    child.stdout.on("data", (data) => (output += String(data)));
    child.stderr.on("data", (data) => (output += String(data)));
    child.on("error", reject);
    child.on("exit", (code) => (code === 0 ? resolve() : reject(new Error(`${command} ${args.join(" ")} failed:\n${output}`))));
  });
}

class Replica {
  private readonly child: ChildProcess;
  private stderr = "";
  readonly exited: Promise<number>;

  constructor(networkFolder: string, readyFile: string, port: number) {
    rmSync(readyFile, { force: true });
    this.child = spawn(
      process.execPath,
      [join(root, "replica", "network", "cli.ts"), "--state-dir", networkFolder, "--port", String(port), "--ready-file", readyFile, "--log-level", process.env["LOG"] || "warn"],
      // Its own process group: Ctrl-C reaches only us, and we stop it in order.
      { cwd: root, stdio: ["ignore", "ignore", "pipe"], detached: true },
    );
    this.child.stderr!.on("data", (data) => {
      process.stderr.write(data);
      this.stderr = (this.stderr + String(data)).slice(-4000);
    });
    this.exited = new Promise((resolve) => this.child.on("exit", (code) => resolve(code ?? 1)));
  }

  async ready(readyFile: string): Promise<NetworkInfo> {
    const deadline = performance.now() + READY_TIMEOUT_MILLIS;
    let gone = false;
    void this.exited.then(() => (gone = true));
    while (performance.now() < deadline) {
      if (gone) throw new Error(`the network stopped while starting:\n${this.stderr}`);
      try {
        const info = JSON.parse(readFileSync(readyFile, "utf8")) as { port: number; url: string; rootKey: string; subnets: NetworkInfo["subnets"] };
        return { ...info, rootKey: Buffer.from(info.rootKey, "hex") };
      } catch {
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    }
    throw new Error("the network did not become ready within a minute");
  }

  async stop(): Promise<void> {
    this.child.kill("SIGINT");
    await this.exited;
  }
}

async function main(): Promise<void> {
  const began = performance.now();
  if (process.env["CLEAN"]) rmSync(stateFolder, { recursive: true, force: true });
  const store = new DeploymentStore(stateFolder);
  const port = await choosePort(store);
  mkdirSync(store.networkFolder, { recursive: true });
  const readyFile = join(stateFolder, "ready.json");
  console.log("Parley");
  const replica = new Replica(store.networkFolder, readyFile, port);
  let stopping = false;
  const stop = async (code: number): Promise<never> => {
    if (!stopping) {
      stopping = true;
      progress.line("Stopping …");
      await replica.stop();
    }
    process.exit(code);
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => void stop(0));
  try {
    // The end-to-end tests have just built everything.
    if (!process.env["PARLEY_BUILT"]) {
      for (const [what, name] of [["canisters", "the canisters"], ["site", "the app"]]) {
        await progress.step(`Build ${name}`, () => run(process.execPath, [join(import.meta.dirname, "builds.ts"), what!]));
      }
    }
    const network = await progress.step("Start the network", () => replica.ready(readyFile));
    await new Deployer(network, store, progress).run();
    const seconds = ((performance.now() - began) / 1000).toFixed(1);
    console.log(`\n  Open http://${SITE_HOSTS.app}.localhost:${network.port}\n\n  Ready in ${seconds} s. Dashboard: ${network.url}/_/dashboard. Ctrl-C stops everything; state is kept.\n`);
  } catch (error) {
    console.error(`\n${(error as Error).message}\n`);
    await stop(1);
  }
  const code = await replica.exited;
  if (!stopping) {
    console.error("The network stopped by itself.");
    process.exit(code === 0 ? 1 : code);
  }
}

main().catch((error: unknown) => {
  console.error((error as Error).message);
  process.exit(1);
});
