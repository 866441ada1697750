import type { Capture } from "./capture.ts";

/** The daemon's own state: what it sees, what it lost, what it costs. Evidence is only as good as whoever gathered it. */
export const health: Capture = {
  name: "daemon-health",
  summary: "what aod status says: probes, sources, losses, memory",
  phases: ["open", "close"],
  async *collect({ health: ask }) {
    const name = "aod-status.json";
    const source = "aod status --json";
    if (ask === undefined) yield { name, source, status: "absent", reason: "no daemon runs" };
    else yield { name, source, content: `${JSON.stringify(await ask(), null, 1)}\n` };
  },
};
