import type { Capture } from "./capture.ts";

/** CPU, memory, load and pressure, once a second: at `open` from before the incident, at `close` from during it. */
export const systemSamples: Capture = {
  name: "system-samples",
  summary: "CPU, memory, load and pressure, one sample a second",
  phases: ["open", "close"],
  async *collect({ phase, samples, openedNs }) {
    const lines = phase === "open" ? samples.dump() : samples.dump(openedNs);
    const name = "samples.ndjson";
    const source = "/proc/stat, meminfo, loadavg, pressure";
    if (lines.length === 0) yield { name, source, status: "absent", reason: "no sample was taken in that time" };
    else yield { name, source, content: lines.join("") };
  },
};
