import type { Capture } from "./capture.ts";

const BEFORE_NS = 120e9;

/** What every source of the daemon saw: up to two minutes before the incident at `open`, since it opened at `close`. */
export const observations: Capture = {
  name: "observations",
  summary: "what the daemon's sources saw, one observation a line",
  phases: ["open", "close"],
  limitBytes: 4 * 1024 * 1024,
  async *collect({ phase, observations: since, openedNs }) {
    const name = "observations.ndjson";
    const source = "the daemon's sources";
    const lines = since?.(phase === "open" ? openedNs - BEFORE_NS : openedNs) ?? [];
    if (lines.length === 0) yield { name, source, status: "absent", reason: "no source saw anything in that time" };
    else yield { name, source, content: lines.join("") };
  },
};
