import { self } from "../../../cdk/api";
import { Func } from "../../../cdk/candid/func";
import { Header } from "../../../cdk/certification/http-certification";
import { HeaderField, HttpRequest, HttpResponse, StreamingStrategy, StreamingStrategyCallback } from "../../../generated/assets/types";
import { Asset, Encoding } from "../model/asset";
import { asset } from "../model/assets";
import { proveAsset, proveNotFound } from "../model/certification";
import { chunk } from "../model/contents";
import { assetAt, FALLBACK_KEY, requestPath } from "../model/paths";
import { etag, headersOf, NOT_FOUND_BODY, notFoundHeaders } from "../model/responses";
import { tokenFor } from "../model/streaming";

/** Smallest first, as a rule. */
const PREFERENCE: StaticArray<string> = ["br", "zstd", "gzip", "deflate", "compress"];

/** The value of a header of the request, in lower case; "" when missing. */
function header(request: HttpRequest, name: string): string {
  for (let i = 0; i < request.headers.length; i++) {
    if (request.headers[i]._0.toLowerCase() == name) return request.headers[i]._1.toLowerCase();
  }
  return "";
}

/** Whether an Accept-Encoding allows this encoding. Weights other than zero do not count. */
function accepts(accepted: string, name: string): bool {
  const parts = accepted.split(",");
  for (let i = 0; i < parts.length; i++) {
    const fields = parts[i].split(";");
    if (fields[0].trim() != name) continue;
    if (fields.length == 1) return true;
    const weight = fields[1].trim();
    return !(weight == "q=0" || weight == "q=0.0" || weight == "q=0.00" || weight == "q=0.000");
  }
  return false;
}

/** The best encoding that the client accepts; the plain one, or any, when it accepts none of them. */
function choose(asset: Asset, accepted: string): Encoding {
  for (let i = 0; i < PREFERENCE.length; i++) {
    const encoding = asset.encoding(PREFERENCE[i]);
    if (encoding != null && accepts(accepted, PREFERENCE[i])) return encoding;
  }
  const plain = asset.encoding("identity");
  return plain != null ? plain : asset.encodings[0];
}

/** Whether an If-None-Match names this tag. */
function matches(wanted: string, tag: string): bool {
  const parts = wanted.split(",");
  for (let i = 0; i < parts.length; i++) {
    let part = parts[i].trim();
    if (part.startsWith("w/")) part = part.substr(2);
    if (part == tag) return true;
  }
  return false;
}

function respond(status: u16, headers: Array<Header>, body: Uint8Array, strategy: StreamingStrategy | null = null): HttpResponse {
  const fields: Array<HeaderField> = [];
  for (let i = 0; i < headers.length; i++) fields.push(new HeaderField(headers[i].name, headers[i].value));
  return new HttpResponse(status, fields, body, strategy);
}

/** Serves the site. Only reading: every method is answered as GET, with a response certified for the path. */
export function http_request(request: HttpRequest): HttpResponse {
  const asked = request.certificate_version;
  const version: u16 = asked == null ? 1 : asked.value;
  const path = requestPath(request.url);
  let served = assetAt(path);
  const isFallback = served == null || served.encodings.length == 0;
  if (isFallback) served = asset(FALLBACK_KEY);
  if (served == null || served.encodings.length == 0) {
    const headers = notFoundHeaders();
    proveNotFound(headers, path, version);
    return respond(404, headers, Uint8Array.wrap(String.UTF8.encode(NOT_FOUND_BODY)));
  }
  const encoding = choose(served, header(request, "accept-encoding"));
  const status: u16 = matches(header(request, "if-none-match"), etag(encoding)) ? 304 : 200;
  const headers = headersOf(served, encoding);
  proveAsset(headers, path, isFallback, status, served, encoding, version);
  if (status == 304 || encoding.chunks.length == 0) return respond(status, headers, new Uint8Array(0));
  const token = tokenFor(served, encoding, 1);
  const strategy: StreamingStrategy | null =
    token == null ? null : StreamingStrategy.Callback(new StreamingStrategyCallback(new Func(self(), "http_request_streaming_callback"), token));
  return respond(200, headers, chunk(encoding.chunks[0]), strategy);
}
