import { randomBytes } from "node:crypto";

/** `20261122T130511Z-latency-3f9a`: sorts by time, and is the bundle's name. */
export function incidentId(
  wallMs: number,
  detector: string,
  random: () => string = () => randomBytes(2).toString("hex"),
): string {
  const time = new Date(wallMs).toISOString().replace(/[-:]|\.\d{3}/g, "");
  return `${time}-${detector}-${random()}`;
}
