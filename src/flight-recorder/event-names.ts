import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { nearest } from "../smb/nearest.ts";
import { AodError } from "../system/error.ts";

/** What is recorded when nothing is named, with the module that has it. */
export const clientSystems: Readonly<Record<string, string>> = {
  cifs: "cifs",
  nfs: "nfs",
  nfs4: "nfsv4",
  sunrpc: "sunrpc",
};

/** Of RPC servers: NFS's own, and the client's callbacks. */
const SERVER = /^sunrpc\/svc/;

/** Every event of the running kernel, `SYSTEM/EVENT`. */
export function eventsOf(tracefs: string): string[] {
  const root = join(tracefs, "events");
  return readdirSync(root, { withFileTypes: true }).flatMap((system) =>
    system.isDirectory()
      ? readdirSync(join(root, system.name), { withFileTypes: true }).flatMap((event) =>
          event.isDirectory() && existsSync(join(root, system.name, event.name, "format"))
            ? [`${system.name}/${event.name}`]
            : [],
        )
      : [],
  );
}

/**
 * Events by what people call them: `cifs`, `cifs:smb3_reconnect`, `smb3_reconnect`, `smb3_cmd_*`. Without a name those of the clients whose module is loaded, not
 * of RPC servers.
 * Throws a usage error that says which names are near.
 */
export function chooseEvents(all: readonly string[], asked: readonly string[]): string[] {
  const systems = Map.groupBy(all, (event) => event.split("/", 1)[0] ?? "");
  if (asked.length === 0) {
    const chosen = Object.keys(clientSystems)
      .flatMap((system) => systems.get(system) ?? [])
      .filter((event) => !SERVER.test(event));
    if (chosen.length > 0) return chosen;
    throw new AodError(
      "failed",
      "neither the cifs nor the nfs module is loaded: mount something, or name events with -e",
    );
  }
  return [...new Set(asked.flatMap((name) => find(name, all, systems)))];
}

function find(
  asked: string,
  all: readonly string[],
  systems: ReadonlyMap<string, readonly string[]>,
): readonly string[] {
  const [first = "", second] = asked.split(/[:/]/, 2);
  const whole = second === undefined ? systems.get(first) : undefined;
  if (whole !== undefined) return whole;
  const within = second === undefined ? all : (systems.get(first) ?? []);
  const pattern = patternOf(second ?? first);
  const found = within.filter((event) => pattern.test(event.slice(event.indexOf("/") + 1)));
  if (found.length > 0) return found;
  const module = clientSystems[first];
  if (module !== undefined && !systems.has(first))
    throw new AodError("failed", `the kernel has no events of ${first}: the module ${module} is not loaded`);
  throw new AodError("usage", `there is no event "${asked}"${nearText(second ?? first, all, [...systems.keys()])}`);
}

/** `*` and `?` as in file names. */
const patternOf = (text: string): RegExp =>
  new RegExp(
    `^${text
      .replace(/[.+^${}()|[\]\\]/g, "\\$&")
      .replaceAll("*", ".*")
      .replaceAll("?", ".")}$`,
  );

/** What was meant: of our clients first. */
function nearText(typed: string, all: readonly string[], systems: readonly string[]): string {
  const ours = all.filter((event) => (event.split("/", 1)[0] ?? "") in clientSystems);
  const bare = (event: string): string => event.slice(event.indexOf("/") + 1);
  const holding = typed.length < 4 ? [] : ours.map(bare).filter((name) => name.includes(typed));
  const near = nearest(typed, ours.map(bare)) ?? nearest(typed, all.map(bare)) ?? nearest(typed, systems);
  const names = [...new Set([...(near === undefined ? [] : [near]), ...holding])].slice(0, 5);
  if (names.length === 0) return `: ls /sys/kernel/tracing/events shows what there is`;
  return `: did you mean ${names.map((name) => `"${name}"`).join(", ")}?`;
}
