/**
 * A page of metrics in the Prometheus text format (version 0.0.4), put together by the canister when
 * it is asked, usually in `http_request` for /metrics.
 *
 *     const page = new MetricsPage();
 *     page.counter("messages_total", "Messages ever posted", messages);
 *     page.gauge("outbox_waiting", "Envelopes not yet delivered", waiting);
 *     return page.toString();
 */
import * as ic0 from "./ic0";
import { cycleBalance, canisterVersion } from "./api";

export class MetricsPage {
  private text: string = "";

  /** A value that only grows. Names: [a-zA-Z_:][a-zA-Z0-9_:]*; help: one line. */
  counter(name: string, help: string, value: u64): void { this.add(name, help, "counter", value.toString()); }

  gauge(name: string, help: string, value: u64): void { this.add(name, help, "gauge", value.toString()); }

  private add(name: string, help: string, kind: string, value: string): void {
    this.text += "# HELP " + name + " " + help + "\n# TYPE " + name + " " + kind + "\n" + name + " " + value + "\n";
  }

  /** What every canister has: heap, stable memory, cycles, version. */
  system(): void {
    this.gauge("heap_bytes", "Wasm memory", <u64>memory.size() << 16);
    this.gauge("stable_bytes", "Stable memory", ic0.stable64_size() << 16);
    this.gauge("cycles", "Cycle balance", cycleBalance());
    this.counter("canister_version", "Version of the canister's state", canisterVersion());
  }

  toString(): string { return this.text; }
}
