import { isIP } from "node:net";
import { join } from "node:path";
import type { Mount } from "../system/mounts.ts";
import type { Capture, CaptureContext } from "./capture.ts";
import { captureLocalFile } from "./local-file.ts";
import { captureProgram } from "./program-file.ts";

const MAX_SERVERS = 16;

/** How the servers are found and reached: what their names mean now, and which way packets to them take. */
export const network: Capture = {
  name: "network",
  summary: "names and routes of the servers, addresses and links of this host, neighbours, resolver",
  phases: ["open", "close"],
  async *collect(context) {
    const fsRoot = context.fsRoot ?? "/";
    const mounts = await context.networkMounts();
    yield await together(context, "dns.txt", namesOf(mounts), (name) => ["getent", "ahosts", name]);
    const addresses = [...new Set((await context.servers()).map(({ address }) => bare(address)))].filter(isIP);
    yield await together(context, "routes.txt", addresses, (address) => ["ip", "-s", "route", "get", address]);
    yield await captureProgram(context, { name: "links.txt", argv: ["ip", "-s", "-d", "address", "show"] });
    yield await captureProgram(context, { name: "neighbours.txt", argv: ["ip", "-s", "neighbour", "show"] });
    for (const name of ["resolv.conf", "hosts", "nsswitch.conf"]) {
      const path = join(fsRoot, "etc", name);
      if (context.phase === "open")
        yield await captureLocalFile(context, { name, path, limitBytes: 64 * 1024, absent: "there is no such file" });
    }
  },
};

type Ask = (what: string) => readonly [string, ...string[]];

/** One program for each of a list, their output in one file below its arguments. */
async function together(context: CaptureContext, name: string, list: readonly string[], argvOf: Ask) {
  const source = argvOf("SERVER").join(" ");
  if (list.length === 0) return { name, source, status: "absent", reason: "no mount names such a server" } as const;
  const pieces: string[] = [];
  for (const one of list.slice(0, MAX_SERVERS)) {
    const argv = argvOf(one);
    const file = await captureProgram(context, { name, argv, limitBytes: 16 * 1024 });
    const why = file.reason === undefined ? "" : `(${file.reason.trim()})\n`;
    pieces.push(`==> ${argv.join(" ")} <==\n${file.content?.toString() ?? ""}${why}`);
    if (context.signal.aborted) break;
  }
  return { name, source, content: pieces.join("\n") };
}

/** `//server/share` and `server:/export`, `[::1]:/export`; addresses need no look-up. A name that begins with `-` would be an option. */
function namesOf(mounts: readonly Mount[]): string[] {
  const names = mounts.map(({ source }) => /^\/\/([^/]+)/.exec(source)?.[1] ?? /^([^:[\]]+):/.exec(source)?.[1] ?? "");
  return [...new Set(names)].filter((name) => /^[A-Za-z0-9_][A-Za-z0-9._-]*$/.test(name) && isIP(name) === 0);
}

const bare = (address: string): string => address.replace(/^\[|\]$/g, "").replace(/%.*$/, "");
