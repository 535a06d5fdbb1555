// The headers with which an asset is served. What is certified and what is sent come from the same function.

import { toHex } from "../../../cdk/encoding/hex";
import { Header } from "../../../cdk/certification/http-certification";
import { Asset, Encoding } from "./asset";

/** Names are in lower case. An asset's own header of the same name takes a default's place. */
function defaults(): Array<Header> {
  return [
    // No inline script, nothing from elsewhere, in nobody's frame.
    new Header(
      "content-security-policy",
      "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; font-src 'self'; connect-src 'self'; " +
        "manifest-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; " +
        "require-trusted-types-for 'script'",
    ),
    new Header("x-content-type-options", "nosniff"),
    new Header("x-frame-options", "DENY"),
    new Header("referrer-policy", "same-origin"),
    new Header(
      "permissions-policy",
      "publickey-credentials-get=(self), publickey-credentials-create=(self), camera=(self), microphone=(self), clipboard-write=(self), geolocation=(), payment=(), usb=()",
    ),
    new Header("strict-transport-security", "max-age=31536000; includeSubDomains"),
  ];
}

function has(headers: Array<Header>, name: string): bool {
  for (let i = 0; i < headers.length; i++) if (headers[i].name == name) return true;
  return false;
}

/** Names that belong to the gateway or to the certification, and are never an asset's own. */
function isReserved(name: string): bool {
  return (
    name == "ic-certificate" ||
    name == "ic-certificateexpression" ||
    name == "content-encoding" ||
    name == "content-length" ||
    name == "content-type" ||
    name == "transfer-encoding" ||
    name == "etag"
  );
}

/** What is wrong with an asset's own headers, or null. */
export function headersFault(headers: Array<Header>): string | null {
  for (let i = 0; i < headers.length; i++) {
    const name = headers[i].name;
    const value = headers[i].value;
    if (name.length == 0) return "header without a name";
    for (let j = 0; j < name.length; j++) {
      const c = name.charCodeAt(j);
      const isToken = (c >= 97 && c <= 122) || (c >= 65 && c <= 90) || (c >= 48 && c <= 57) || c == 45 || c == 95;
      if (!isToken) return "header name '" + name + "' has a character that is not allowed";
    }
    for (let j = 0; j < value.length; j++) {
      const c = value.charCodeAt(j);
      if ((c < 32 && c != 9) || c > 126) return "header '" + name + "' has a value with a character that is not allowed";
    }
    if (isReserved(name.toLowerCase())) return "header '" + name + "' is set by the canister";
    for (let j = 0; j < i; j++) if (headers[j].name.toLowerCase() == name.toLowerCase()) return "header '" + name + "' is given twice";
  }
  return null;
}

export function etag(encoding: Encoding): string {
  return '"' + toHex(encoding.sha256) + '"';
}

/** All headers of an asset's response in one encoding, without those of the certification. */
export function headersOf(asset: Asset, encoding: Encoding): Array<Header> {
  const out: Array<Header> = [new Header("content-type", asset.contentType)];
  if (encoding.name != "identity") out.push(new Header("content-encoding", encoding.name));
  out.push(new Header("vary", "accept-encoding"));
  out.push(new Header("etag", etag(encoding)));
  if (asset.maxAge >= 0) out.push(new Header("cache-control", "max-age=" + asset.maxAge.toString()));
  const own = asset.headers;
  if (own != null) {
    for (let i = 0; i < own.length; i++) {
      const name = own[i].name.toLowerCase();
      // max_age and a Cache-Control of one's own: the header says more.
      const at = indexOf(out, name);
      if (at >= 0) out[at] = new Header(name, own[i].value);
      else out.push(new Header(name, own[i].value));
    }
  }
  // Unless told otherwise, clients ask again each time and get a 304.
  if (!has(out, "cache-control")) out.push(new Header("cache-control", "no-cache"));
  const usual = defaults();
  for (let i = 0; i < usual.length; i++) if (!has(out, usual[i].name)) out.push(usual[i]);
  return out;
}

function indexOf(headers: Array<Header>, name: string): i32 {
  for (let i = 0; i < headers.length; i++) if (headers[i].name == name) return i;
  return -1;
}

export const NOT_FOUND_BODY = "There is nothing here.\n";

/** Headers of the answer to a path without an asset, when the site has no /index.html. */
export function notFoundHeaders(): Array<Header> {
  const out: Array<Header> = [new Header("content-type", "text/plain; charset=utf-8"), new Header("cache-control", "no-cache")];
  const usual = defaults();
  for (let i = 0; i < usual.length; i++) out.push(usual[i]);
  return out;
}
