import { MetricKind, MetricsPage } from "../../../../../cdk/metrics";

export function metrics(text: string, samples: u32): string {
  const page = new MetricsPage();
  page.counter("kit_messages_total", text, u64.MAX_VALUE);
  page.family("kit_waiting", "By destination", MetricKind.Gauge);
  page.sample("destination", text, 7);
  for (let i: u32 = 0; i < samples; i++) page.sample("destination", "number " + i.toString(), i);
  page.system();
  return page.toString();
}
