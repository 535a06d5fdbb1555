/**
 * A page of metrics in the Prometheus text format (version 0.0.4), put together by the canister when
 * it is asked, usually in `http_request` for /metrics.
 *
 *     const page = new MetricsPage();
 *     page.counter("messages_total", "Messages ever posted", messages);
 *     page.family("outbox_waiting", "Envelopes not yet delivered, by destination", MetricKind.Gauge);
 *     for (let i = 0; i < n; i++) page.sample("destination", names[i], waiting[i]);
 *     return page.toString();
 *
 * The page is always well formed and at most MAX_BYTES long: what does not fit is left out whole,
 * and `metrics_dropped` at the end says how many samples that were.
 * Source: prometheus.io, "Exposition formats", text-based format.
 */
import * as ic0 from "./ic0";
import { cycleBalance, canisterVersion } from "./api";

export enum MetricKind { Counter, Gauge }

/** UTF-8 bytes of a page: half of the 2 MiB that a reply may have, as the Candid around it needs some too. */
const MAX_BYTES: i32 = 1 << 20;

const DROPPED: string = "metrics_dropped";

/** Kept free for DROPPED. */
const RESERVE: i32 = 256;

export class MetricsPage {
  private parts: Array<string> = new Array<string>();
  private bytes: i32 = 0;
  private names: Array<string> = [DROPPED];
  /** The family whose header was written last; false: it did not fit, and neither do its samples. */
  private open: bool = false;
  private dropped: u64 = 0;

  /** A value that only grows. Names: [a-zA-Z_:][a-zA-Z0-9_:]*, each once a page; any other traps. */
  counter(name: string, help: string, value: u64): void { this.single(name, help, MetricKind.Counter, value); }

  gauge(name: string, help: string, value: u64): void { this.single(name, help, MetricKind.Gauge, value); }

  /** Begins a metric with one `sample` for each value of a label. */
  family(name: string, help: string, kind: MetricKind): void {
    assert(isName(name, true), "not a metric's name");
    assert(!this.names.includes(name), "the metric is on the page already");
    this.names.push(name);
    this.open = this.add(header(name, help, kind));
  }

  /**
   * A sample of the family begun last. Label names: [a-zA-Z_][a-zA-Z0-9_]*, any other traps; label
   * values are any text, each once a family.
   */
  sample(label: string, labelValue: string, value: u64): void {
    assert(this.names.length > 1, "a sample needs a family");
    assert(isName(label, false), "not a label's name");
    this.line("{" + label + "=\"" + escape(labelValue).replaceAll("\"", "\\\"") + "\"}", value);
  }

  private single(name: string, help: string, kind: MetricKind, value: u64): void {
    this.family(name, help, kind);
    this.line("", value);
  }

  private line(labels: string, value: u64): void {
    const name = this.names[this.names.length - 1];
    if (!this.open || !this.add(name + labels + " " + value.toString() + "\n")) this.dropped++;
  }

  /** False: there is no room. */
  private add(text: string): bool {
    const size = String.UTF8.byteLength(text);
    if (size > MAX_BYTES - RESERVE - this.bytes) return false;
    this.bytes += size;
    this.parts.push(text);
    return true;
  }

  /** What every canister has: heap, stable memory, cycles, version. */
  system(): void {
    this.gauge("heap_bytes", "Wasm memory", <u64>memory.size() << 16);
    this.gauge("stable_bytes", "Stable memory", ic0.stable64_size() << 16);
    this.gauge("cycles", "Cycle balance", cycleBalance());
    this.counter("canister_version", "Version of the canister's state", canisterVersion());
  }

  toString(): string {
    const text = this.parts.join("");
    if (this.dropped == 0) return text;
    return text + header(DROPPED, "Samples left out because the page was full", MetricKind.Gauge) + DROPPED + " " + this.dropped.toString() + "\n";
  }
}

function header(name: string, help: string, kind: MetricKind): string {
  return "# HELP " + name + " " + escape(help) + "\n# TYPE " + name + " " + (kind == MetricKind.Counter ? "counter" : "gauge") + "\n";
}

/** Help texts need these two; label values quotes too. */
function escape(text: string): string { return text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n"); }

function isName(name: string, colons: bool): bool {
  for (let i = 0; i < name.length; i++) {
    const c = name.charCodeAt(i);
    const letter = ((c | 0x20) >= 0x61 && (c | 0x20) <= 0x7a) || c == 0x5f || (colons && c == 0x3a);
    const digit = c >= 0x30 && c <= 0x39;
    if (!letter && (!digit || i == 0)) return false;
  }
  return name.length > 0;
}
