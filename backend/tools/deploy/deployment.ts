// What was deployed where, kept beside the network's state: canister ids, the port, and stamps that tell
// whether anything has to be done again.

import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { Ed25519KeyIdentity } from "@dfinity/identity";

export interface Deployment {
  port: number;
  /** Canister ids by name; a local index's name carries its subnet: `local_index:<subnet id>`. */
  canisters: Record<string, string>;
  /** Hash of each site as it was uploaded, with the configuration it was given. */
  sites: Record<string, string>;
}

export class DeploymentStore {
  readonly folder: string;
  constructor(folder: string) {
    this.folder = folder;
    mkdirSync(folder, { recursive: true });
  }

  get networkFolder(): string {
    return join(this.folder, "network");
  }

  load(): Deployment | undefined {
    try {
      return JSON.parse(readFileSync(join(this.folder, "deployment.json"), "utf8")) as Deployment;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
      throw new Error(`${join(this.folder, "deployment.json")} cannot be read (${(error as Error).message}); start with CLEAN=1 to begin anew`, { cause: error });
    }
  }

  save(deployment: Deployment): void {
    writeWhole(join(this.folder, "deployment.json"), `${JSON.stringify(deployment, null, 2)}\n`, 0o644);
  }

  /** The key that controls what is deployed. Made on first use, readable by its owner only. */
  deployer(): Ed25519KeyIdentity {
    const file = join(this.folder, "deployer.json");
    try {
      return Ed25519KeyIdentity.fromJSON(readFileSync(file, "utf8"));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
      const identity = Ed25519KeyIdentity.generate();
      writeWhole(file, JSON.stringify(identity.toJSON()), 0o600);
      return identity;
    }
  }
}

/** Replaces a file in one step, so that a kill leaves the old or the new one. */
export function writeWhole(file: string, content: string, mode: number): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(`${file}.new`, content, { mode });
  renameSync(`${file}.new`, file);
}
