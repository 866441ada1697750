// The text formats of Prometheus: OpenMetrics 1.0, and the older one (0.0.4) for who does not ask for it.

export type Labels = Readonly<Record<string, string>>;

export interface Sample {
  readonly labels: Labels;
  readonly value: number;
}

/** `counts[i]`: how many are at most `bounds[i]`; the last bound is infinity. */
export interface HistogramSample {
  readonly labels: Labels;
  readonly bounds: readonly number[];
  readonly counts: readonly number[];
  readonly sum: number;
}

/** One metric. A counter's name has no `_total`: the format adds it. */
export type Family =
  | {
      readonly name: string;
      readonly type: "counter" | "gauge";
      readonly help: string;
      readonly samples: readonly Sample[];
    }
  | {
      readonly name: string;
      readonly type: "histogram";
      readonly help: string;
      readonly samples: readonly HistogramSample[];
    };

export type Format = "openmetrics" | "text";

export const contentTypes: Readonly<Record<Format, string>> = {
  openmetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8",
  text: "text/plain; version=0.0.4; charset=utf-8",
};

/** What a scraper takes, from its Accept header. */
export function formatOf(accept: string | undefined): Format {
  return /\bapplication\/openmetrics-text\b/.test(accept ?? "") ? "openmetrics" : "text";
}

/** Families without a sample are left out. */
export function exposition(families: readonly Family[], format: Format): string {
  const parts = families.filter(({ samples }) => samples.length > 0).map((family) => familyText(family, format));
  return `${parts.join("")}${format === "openmetrics" ? "# EOF\n" : ""}`;
}

function familyText(family: Family, format: Format): string {
  const { name, type, help } = family;
  const sampleName = type === "counter" ? `${name}_total` : name;
  const told = format === "openmetrics" ? name : sampleName;
  const head = `# HELP ${told} ${escapeHelp(help, format)}\n# TYPE ${told} ${type}\n`;
  if (family.type === "histogram") return head + family.samples.map((sample) => histogramText(name, sample)).join("");
  return head + family.samples.map(({ labels, value }) => line(sampleName, labels, value)).join("");
}

function histogramText(name: string, { labels, bounds, counts, sum }: HistogramSample): string {
  const buckets = bounds.map((bound, index) =>
    line(`${name}_bucket`, { ...labels, le: numberText(bound) }, counts[index] ?? 0),
  );
  return buckets.join("") + line(`${name}_sum`, labels, sum) + line(`${name}_count`, labels, counts.at(-1) ?? 0);
}

function line(name: string, labels: Labels, value: number): string {
  const pairs = Object.entries(labels).map(([key, text]) => `${key}="${escapeLabel(text)}"`);
  return `${name}${pairs.length === 0 ? "" : `{${pairs.join(",")}}`} ${numberText(value)}\n`;
}

function numberText(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return "+Inf";
  if (value === Number.NEGATIVE_INFINITY) return "-Inf";
  return Number.isNaN(value) ? "NaN" : String(value);
}

function escapeLabel(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}

function escapeHelp(text: string, format: Format): string {
  const plain = text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
  return format === "openmetrics" ? plain.replaceAll('"', '\\"') : plain;
}

/** One value without labels; none where it is not known. */
export function gauge(name: string, help: string, value: number | undefined): Family {
  return { name, type: "gauge", help, samples: value === undefined ? [] : [{ labels: {}, value }] };
}
