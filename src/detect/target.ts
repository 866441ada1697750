import type { AnomalyTarget } from "./detector.ts";
import type { ObservedTarget } from "./observation.ts";

/** One text per target, as fine as it is known. */
export function keyOf({
  protocol,
  server,
  address,
  share,
  export: path,
  connectionId,
}: Partial<ObservedTarget>): string {
  return [protocol, server ?? address, share ?? path, connectionId].map((part) => part ?? "").join("|");
}

/** One text per server. */
export function serverKey({ protocol, server, address, connectionId }: Partial<ObservedTarget>): string {
  return `${protocol ?? ""}|${server ?? address ?? connectionId ?? ""}`;
}

/** `files.example`, `\\files.example\share`, `nas:/export`, `connection 0x3`; `a server` where nothing is known. */
export function targetText({ server, address, share, export: path, connectionId }: AnomalyTarget): string {
  if (share !== undefined) return share;
  const name = server ?? address;
  if (name !== undefined) return path === undefined ? name : `${name}:${path}`;
  return connectionId === undefined ? "a server" : `connection 0x${connectionId.toString(16)}`;
}
