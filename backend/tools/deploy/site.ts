// Uploads a built site into an assets canister with the unmodified @dfinity/assets uploader.

import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join, relative, sep } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import type { HttpAgent } from "@dfinity/agent";
import { AssetManager } from "@dfinity/assets";
import type { Principal } from "@dfinity/principal";
import { verifyBls } from "./verify.ts";

interface SiteFile {
  /** Absolute path on the site, beginning with a slash. */
  path: string;
  content: Uint8Array;
}

/** Text is stored compressed too; images and fonts are compressed already. */
const COMPRESSIBLE = /\.(html|js|css|json|svg|webmanifest|txt|map|wasm)$/;
/** Smaller files fit one packet as they are: another form would only be another upload. */
const MIN_COMPRESSED_BYTES = 1_400;
/** A compressed form must save at least this share to be worth storing. */
const WORTHWHILE = 0.9;

const sha256 = (bytes: Uint8Array): Uint8Array => createHash("sha256").update(bytes).digest();

export function siteFiles(folder: string): SiteFile[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name !== ".headers.json")
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
    .map((file) => ({ path: `/${relative(folder, file).split(sep).join("/")}`, content: readFileSync(file) }));
}

/** Changes when any file of the site, or the configuration laid beside them, changes. */
export function siteHash(files: readonly SiteFile[]): string {
  const hash = createHash("sha256");
  for (const file of files) hash.update(file.path).update("\0").update(sha256(file.content));
  return hash.digest("hex");
}

/** Makes the canister serve exactly `files`; what is stored already, by SHA-256, is not sent again. */
export async function uploadSite(agent: HttpAgent, canister: Principal, files: readonly SiteFile[]): Promise<void> {
  const manager = new AssetManager({ canisterId: canister, agent, concurrency: 8, blsVerify: verifyBls });
  const existing = await manager.list();
  const batch = manager.batch();
  const wanted = new Set(files.map((file) => file.path));
  for (const asset of existing) if (!wanted.has(asset.key)) batch.delete(asset.key);
  for (const { path, content } of files) {
    const before = existing.find((asset) => asset.key === path);
    const stored = before?.encodings.find((encoding) => encoding.content_encoding === "identity")?.sha256[0];
    if (stored !== undefined && Buffer.compare(Buffer.from(stored), sha256(content)) === 0) continue;
    // Old compressed forms must not outlive the content they were made from.
    if (before !== undefined) batch.delete(path);
    const fileName = path.slice(path.lastIndexOf("/") + 1);
    const folder = path.slice(0, path.lastIndexOf("/"));
    const store = (bytes: Uint8Array, contentEncoding?: "gzip" | "br") =>
      batch.store(bytes, {
        fileName,
        path: folder,
        // Given, because the uploader's own running hash is per path and would mix the encodings.
        sha256: sha256(bytes),
        ...(contentEncoding === undefined ? {} : { contentEncoding }),
        headers: headersOf(path),
      });
    await store(content);
    if (!COMPRESSIBLE.test(path) || content.length < MIN_COMPRESSED_BYTES) continue;
    const gzip = gzipSync(content, { level: 9 });
    if (gzip.length < content.length * WORTHWHILE) await store(gzip, "gzip");
    const brotli = brotliCompressSync(content, { params: { [constants.BROTLI_PARAM_QUALITY]: 10 } });
    if (brotli.length < content.length * WORTHWHILE) await store(brotli, "br");
  }
  await batch.commit();
}

/** Files under /assets/ carry their hash in the name and never change; all else is asked for again. */
function headersOf(path: string): [string, string][] {
  return path.startsWith("/assets/") ? [["Cache-Control", "public, max-age=31536000, immutable"]] : [["Cache-Control", "no-cache"]];
}
