// Which asset answers to which path.

import { Asset, Choice } from "./asset";
import { asset } from "./assets";

/** Serves every path that has no asset: the single page of the site. */
export const FALLBACK_KEY = "/index.html";

const INDEX = "/index.html";
const HTML = ".html";

/** The other paths under which a key may be served. */
export function aliasesOf(key: string): Array<string> {
  const out: Array<string> = [];
  if (key.endsWith(INDEX)) {
    const folder = key.substr(0, key.length - INDEX.length);
    out.push(folder + "/");
    if (folder.length > 0) out.push(folder);
  }
  if (key.endsWith(HTML)) out.push(key.substr(0, key.length - HTML.length));
  return out;
}

function aliased(key: string): Asset | null {
  const found = asset(key);
  return found != null && found.isAliased != Choice.No ? found : null;
}

/** The asset served at exactly this path, or null: its own, else /path.html, else /path/index.html. */
export function assetAt(path: string): Asset | null {
  const own = asset(path);
  if (own != null) return own;
  if (path.endsWith("/")) return aliased(path + "index.html");
  const page = aliased(path + HTML);
  return page != null ? page : aliased(path + INDEX);
}

/** 0 … 15, or -1. */
function hexDigit(c: i32): i32 {
  if (c >= 48 && c <= 57) return c - 48;
  if (c >= 97 && c <= 102) return c - 87;
  if (c >= 65 && c <= 70) return c - 55;
  return -1;
}

/** One slash for several: to the certification both are the same path. */
function withSingleSlashes(path: string): string {
  while (path.includes("//")) path = path.replaceAll("//", "/");
  return path;
}

/** The path of a request's URL: percent-encodings resolved, unless they are broken, and no slash twice. */
export function requestPath(url: string): string {
  return withSingleSlashes(decodedPath(url));
}

function decodedPath(url: string): string {
  let end = url.length;
  for (let i = 0; i < url.length; i++) {
    const c = url.charCodeAt(i);
    if (c == 63 || c == 35) {
      end = i;
      break;
    }
  }
  const path = url.substr(0, end);
  if (!path.includes("%")) return path;
  const raw = Uint8Array.wrap(String.UTF8.encode(path));
  const out = new Uint8Array(raw.length);
  let n = 0;
  for (let i = 0; i < raw.length; i++) {
    if (raw[i] != 37) {
      out[n++] = raw[i];
      continue;
    }
    if (i + 2 >= raw.length) return path;
    const high = hexDigit(raw[i + 1]);
    const low = hexDigit(raw[i + 2]);
    if (high < 0 || low < 0) return path;
    out[n++] = <u8>((high << 4) | low);
    i += 2;
  }
  const text = String.UTF8.decodeUnsafe(out.dataStart, n);
  // Not UTF-8: what was decoded does not encode back to the same bytes.
  const again = String.UTF8.encode(text, false, String.UTF8.ErrorMode.REPLACE);
  if (again.byteLength != n || memory.compare(changetype<usize>(again), out.dataStart, n) != 0) return path;
  return text;
}
