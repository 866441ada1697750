import { join } from "node:path";
import { formatWall } from "../system/clock.ts";
import type { Capture, CaptureContext, CaptureFile } from "./capture.ts";
import { captureProgram } from "./program-file.ts";
import { mountUnit } from "./unit-name.ts";

/** Who writes about network mounts, their keys and their names. */
const identifiers = [
  "aod",
  "automount",
  "cifs.idmap",
  "cifs.upcall",
  "key.dns_resolver",
  "mount",
  "mount.cifs",
  "mount.nfs",
  "mount.nfs4",
  "mount.smb3",
  "nfsidmap",
  "request-key",
  "rpc.gssd",
  "rpc.idmapd",
  "rpc.statd",
  "umount.nfs",
] as const;
const beforeMs = 10 * 60 * 1000;
const MAX_UNITS = 32;
const limitBytes = 512 * 1024;

/** The journal's lines of the programs above and of the mounts' units: nothing else of the host's journal is our business. */
export const journal: Capture = {
  name: "journal",
  summary: "the journal's lines of mount helpers, upcalls, gssd, automounts and the units of network mounts",
  phases: ["open", "close"],
  limitBytes,
  async *collect(context) {
    const argv = await journalArgv(context);
    const file = await captureProgram(context, { name: "journal.txt", argv, limitBytes });
    yield file;
    if (file.content !== undefined && file.content.length > 0) return;
    yield await fromSyslog(context);
  },
};

/** Matches of one field are alternatives, `+` is one between fields. */
async function journalArgv(context: CaptureContext): Promise<readonly ["journalctl", ...string[]]> {
  const { clock, openedNs, phase } = context;
  const openedMs = clock.wallMs() - (clock.nowNs() - openedNs) / 1e6;
  const since = Math.floor((openedMs - (phase === "open" ? beforeMs : 0)) / 1000);
  const units = (await context.networkMounts()).slice(0, MAX_UNITS).map(({ target }) => mountUnit(target));
  return [
    "journalctl",
    ...["--no-pager", "--quiet", "--output=short-iso-precise", "--utc", `--since=@${since}`, "--lines=5000"],
    ...identifiers.map((name) => `SYSLOG_IDENTIFIER=${name}`),
    ...(units.length > 0 ? ["+", "_PID=1", ...new Set(units.map((unit) => `UNIT=${unit}`))] : []),
  ];
}

/** Hosts without a journal: the newest lines of the same programs in the files that syslog daemons write. */
async function fromSyslog(context: CaptureContext): Promise<CaptureFile> {
  const name = "syslog.txt";
  for (const path of ["/var/log/syslog", "/var/log/messages"]) {
    const source = join(context.fsRoot ?? "/", path);
    const file = await captureProgram(context, {
      name,
      argv: ["tail", "-n", "5000", "--", source],
      limitBytes: 2 * limitBytes,
      lenient: true,
    });
    if (file.content === undefined) continue;
    const wanted = file.content.toString().split("\n").filter(isWanted);
    return { ...file, content: wanted.map((line) => `${line}\n`).join("") };
  }
  const reason = `neither syslog nor messages, as of ${formatWall(context.clock.wallMs())}`;
  return { name, source: "/var/log/syslog /var/log/messages", status: "absent", reason };
}

const names = identifiers.map((name) => name.replaceAll(".", "\\.")).join("|");
/** `Nov 22 13:05:11 host PROGRAM[PID]: ...`, or with an RFC 3339 time. */
const pattern = new RegExp(`^(?:\\S+|\\w{3} [ \\d]\\d [\\d:]{8}) \\S+ (?:${names})(?:\\[\\d+\\])?: `);
const isWanted = (line: string): boolean => pattern.test(line);
