// One file of the site, in one or more encodings.

import { ByteReader, ByteWriter } from "../../../cdk/stable/bytes";
import { Header } from "../../../cdk/certification/http-certification";

/** A value that may be left to the default. Stored as these numbers. */
export enum Choice {
  Default = 0,
  No = 1,
  Yes = 2,
}

export class Encoding {
  /** "identity", "gzip", "br", "deflate". */
  name: string = "";
  sha256: Uint8Array = new Uint8Array(0);
  /** Bytes. */
  length: u64 = 0;
  /** Nanoseconds. */
  modified: u64 = 0;
  /** Numbers of its chunks, in order. */
  chunks: Array<u64> = [];
}

export class Asset {
  key: string = "";
  contentType: string = "";
  /** Seconds; -1 when not set. */
  maxAge: i64 = -1;
  /** Null when not set. */
  headers: Array<Header> | null = null;
  isAliased: Choice = Choice.Default;
  allowsRaw: Choice = Choice.Default;
  encodings: Array<Encoding> = [];

  encoding(name: string): Encoding | null {
    for (let i = 0; i < this.encodings.length; i++) if (this.encodings[i].name == name) return this.encodings[i];
    return null;
  }

  encode(w: ByteWriter): void {
    w.u8(1);
    w.text(this.key);
    w.text(this.contentType);
    w.i64(this.maxAge);
    const headers = this.headers;
    w.bool(headers != null);
    if (headers != null) {
      w.varint(headers.length);
      for (let i = 0; i < headers.length; i++) {
        w.text(headers[i].name);
        w.text(headers[i].value);
      }
    }
    w.u8(<u8>this.isAliased);
    w.u8(<u8>this.allowsRaw);
    w.varint(this.encodings.length);
    for (let i = 0; i < this.encodings.length; i++) {
      const encoding = this.encodings[i];
      w.text(encoding.name);
      w.bytes(encoding.sha256);
      w.u64(encoding.length);
      w.u64(encoding.modified);
      w.varint(encoding.chunks.length);
      for (let j = 0; j < encoding.chunks.length; j++) w.varint(encoding.chunks[j]);
    }
  }

  decode(r: ByteReader): void {
    assert(r.u8() == 1, "asset of an unknown version");
    this.key = r.text();
    this.contentType = r.text();
    this.maxAge = r.i64();
    if (r.bool()) {
      const headers: Array<Header> = [];
      for (let n = r.varint(); n > 0; n--) {
        const name = r.text();
        headers.push(new Header(name, r.text()));
      }
      this.headers = headers;
    }
    this.isAliased = r.u8();
    this.allowsRaw = r.u8();
    for (let n = r.varint(); n > 0; n--) {
      const encoding = new Encoding();
      encoding.name = r.text();
      encoding.sha256 = r.bytes();
      encoding.length = r.u64();
      encoding.modified = r.u64();
      for (let m = r.varint(); m > 0; m--) encoding.chunks.push(r.varint());
      this.encodings.push(encoding);
    }
  }
}
