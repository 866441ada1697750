import { comparable } from "../../system/sockets.ts";
import type { Finding } from "../answer.ts";

export interface MountedAddress {
  readonly host: string;
  /** That of the mount that is there; undefined: nothing is mounted. */
  readonly mountedFrom?: string;
}

/** A mount keeps the address that it was made with; undefined where the name still leads there. `advice`: what else helps this client. */
export function staleAddress(
  { host, mountedFrom }: MountedAddress,
  addresses: readonly string[],
  meaning: string,
  advice: readonly string[],
): Finding | undefined {
  if (mountedFrom === undefined || addresses.length === 0) return undefined;
  if (addresses.map(comparable).includes(comparable(mountedFrom))) return undefined;
  const summary = `the mount uses ${mountedFrom}, and ${host} is ${addresses.join(", ")} now`;
  return {
    result: "warn",
    evidence: summary,
    meaning,
    fix: "unmount and mount again",
    verdict: {
      cause: "client.dns-stale",
      confidence: "likely",
      summary,
      advice: ["unmount and mount again", ...advice],
    },
  };
}
