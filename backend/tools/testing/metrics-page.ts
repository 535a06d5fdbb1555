/** A strict reader of the Prometheus text format (version 0.0.4), as far as canisters write it: whole numbers, one label. */

export interface MetricFamily { help: string; kind: string; samples: Map<string, bigint> }

const NAME = '[a-zA-Z_:][a-zA-Z0-9_:]*';
const HELP = new RegExp(`^# HELP (${NAME}) (.*)$`);
const TYPE = new RegExp(`^# TYPE (${NAME}) (counter|gauge)$`);
const SAMPLE = new RegExp(`^(${NAME})(?:\\{([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\\]|\\\\["\\\\n])*)"\\})? (\\d+)$`);

/** Families by name, samples by `label=value` or ''. Throws on whatever a scraper would refuse. */
export function parseMetrics(text: string): Map<string, MetricFamily> {
  const families = new Map<string, MetricFamily>();
  const lines = text.split('\n');
  if (lines.pop() !== '') throw new Error('the last line does not end');
  let last = '';
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i] ?? '';
    const help = HELP.exec(line);
    if (help !== null) {
      const [, name = '', text = ''] = help;
      const type = TYPE.exec(lines[++i] ?? '');
      if (type?.[1] !== name) throw new Error(`no type after ${line}`);
      if (families.has(name)) throw new Error(`a second ${name}`);
      families.set(name, { help: plain(text), kind: type[2] ?? '', samples: new Map() });
      last = name;
      continue;
    }
    const [, name, label, value = '', number = ''] = SAMPLE.exec(line) ?? [];
    const family = families.get(last);
    if (name === undefined || name !== last || family === undefined) throw new Error(`unexpected line ${line}`);
    const series = label === undefined ? '' : `${label}=${plain(value)}`;
    if (family.samples.has(series)) throw new Error(`a second ${series} of ${name}`);
    family.samples.set(series, BigInt(number));
  }
  return families;
}

function plain(escaped: string): string { return escaped.replaceAll(/\\(.)/g, (_, c: string) => (c === 'n' ? '\n' : c)); }
