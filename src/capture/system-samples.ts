import type { Capture } from "./capture.ts";

const BEFORE_NS = 120e9;

/** CPU, memory, load and pressure, once a second: at `open` from before the incident, at `close` from during it. */
export const systemSamples: Capture = {
  name: "system-samples",
  summary: "CPU, memory, load and pressure, one sample a second",
  phases: ["open", "close"],
  limitBytes: 2 * 1024 * 1024,
  async *collect({ phase, samples, openedNs }) {
    const lines = samples.dump(phase === "open" ? openedNs - BEFORE_NS : openedNs);
    const name = "samples.ndjson";
    const source = "/proc/stat, meminfo, loadavg, pressure";
    if (lines.length === 0) yield { name, source, status: "absent", reason: "no sample was taken in that time" };
    else yield { name, source, content: lines.join("") };
  },
};
