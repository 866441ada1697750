// What the upcalls said of themselves, and what SELinux or AppArmor refused them.
import { join } from "node:path";
import type { JournalLine, JournalVerdict } from "../../detect/observation.ts";
import { UpcallLines, upcallPrograms } from "../../sources/upcall-lines.ts";
import { messageOf } from "../../system/error.ts";
import { journalArgv, parseJournalEntry } from "../../system/journal.ts";
import { openKernelLog, readKernelLog } from "../../system/kernel-log.ts";
import type { Argv } from "../../system/process.ts";
import type { Finding, Verdict } from "../answer.ts";
import type { CauseId } from "../causes.ts";
import type { Check } from "../examine.ts";
import type { KerberosCase } from "./case.ts";

/** Of the last day: what is older says nothing of now. */
const SINCE_S = 86_400;
const MAX_LINES = 500;

/** New lines and those that were: the same programs and refusals, in another order of time. */
function pastArgv(): Argv {
  const [program, ...args] = journalArgv(upcallPrograms);
  const matches = args.filter((word) => word !== "--follow" && !word.startsWith("--lines"));
  return [program, `--since=-${SINCE_S}s`, `--lines=${MAX_LINES}`, ...matches];
}

/** The log of the upcalls, newest last: the journal, and the kernel log for refusals on a machine without auditd. */
export const said: Check<KerberosCase> = {
  name: "log",
  limitMs: 15_000,
  async run(of, signal) {
    const lines: JournalLine[] = [];
    const lacks: string[] = [];
    const maker = new UpcallLines();
    const journal = await of.machine.run(pastArgv(), { timeoutMs: 10_000, maxBytes: 4 * 1024 ** 2, signal });
    if (journal.status !== "ok") lacks.push(`the journal: ${journal.reason ?? "it cannot be read"}`);
    for (const text of journal.stdout.toString("utf8").split("\n")) {
      const entry = parseJournalEntry(text);
      const line = entry === undefined ? undefined : maker.line(entry, of.machine.clock.nowNs());
      if (line !== undefined) lines.push(line);
    }
    try {
      for (const { message, timeUs } of await kernelLines(of, signal)) {
        const line = maker.line({ program: "kernel", text: message, timeNs: timeUs * 1000 }, of.machine.clock.nowNs());
        if (line !== undefined) lines.push(line);
      }
    } catch (error) {
      lacks.push(`the kernel log: ${messageOf(error)}`);
    }
    const told = [...denials(lines), ...lastWords(of, lines)];
    for (const lack of lacks) told.push({ result: "skip", evidence: lack });
    const nothing = `${lines.length} lines of upcalls, and none that tells of trouble`;
    return told.some(({ result }) => result !== "skip") ? told : [{ result: "ok", evidence: nothing }, ...told];
  },
};

async function kernelLines({ machine }: KerberosCase, signal: AbortSignal) {
  const fromUs = Math.max(0, machine.clock.nowNs() / 1000 - SINCE_S * 1e6);
  const reader = openKernelLog(join(machine.fsRoot, "dev/kmsg"));
  return (await readKernelLog(reader, { fromUs, maxRecords: 200_000, signal })).records;
}

function denials(lines: readonly JournalLine[]): Finding[] {
  const denied = lines.filter(({ verdict }) => verdict === "denied");
  const last = denied.at(-1);
  if (last === undefined) return [];
  const apparmor = last.text.includes("apparmor=");
  const program = /comm="([^"]*)"/.exec(last.text)?.[1] ?? "an upcall";
  const guard = apparmor ? "AppArmor" : "SELinux";
  const what = apparmor
    ? /(?:operation|profile|name)="[^"]*"/g
    : /\{[^}]*\}|name="[^"]*"|path="[^"]*"|[st]context=\S+|tclass=\S+/g;
  const summary = `${guard} refused ${program} what it needs for a ticket`;
  const fix = apparmor
    ? `look at the profile's log (aa-logprof), or switch it to complain for a try: aa-complain ${/profile="([^"]*)"/.exec(last.text)?.[1] ?? program}`
    : `ausearch -m avc -c ${program} | audit2why; where caches are relabelled: restorecon -v on the file that is named`;
  return [
    {
      result: "fail",
      evidence: `${guard}, ${denied.length} times: ${program} ${(last.text.match(what) ?? []).join(" ")}`,
      meaning: "the program is there and is kept from its work: mount error(126), Required key not available",
      fix,
      verdict: { cause: "auth.upcall-denied", confidence: "likely", summary, advice: [fix] },
    },
  ];
}

/** What a word of an upcall means; absent: no verdict follows from it. */
const meanings: Readonly<Partial<Record<JournalVerdict, readonly [CauseId | undefined, string]>>> = {
  "ticket-expired": ["auth.ticket-expired", "the ticket that it found had ended: kinit"],
  "clock-skew": ["auth.clock-skew", "KDC and client have different times: set both clocks"],
  "wrong-principal": ["auth.wrong-spn", "the KDC does not know the server by that name"],
  "no-credentials": ["auth.no-ticket", "it found no ticket of the user: kinit, or cruid="],
  "kdc-unreachable": [undefined, "no KDC answered it"],
  "name-resolution": ["network.name-resolution", "the server's name did not resolve"],
  "upcall-failed": [undefined, "it failed; what it said before tells why"],
};

/** The last run of each program: an older failure that a success followed is history. */
function lastWords({ subject }: KerberosCase, lines: readonly JournalLine[]): Finding[] {
  const programs = subject.protocol === "smb" ? ["cifs.upcall", "request-key"] : ["rpc.gssd", "gssproxy"];
  return programs.flatMap((program): Finding[] => {
    const own = lines.filter((line) => line.program === program && concerns(line, subject.host));
    const end = own.findLast(({ verdict }) => verdict !== "other" && verdict !== "denied");
    if (end === undefined) return [];
    if (end.verdict === "upcall-ok") return [{ result: "ok", evidence: `${program}: ${end.text}` }];
    // A run that fails says why before it says that it failed.
    const why = own.findLast(({ verdict, pid }) => pid === end.pid && meanings[verdict]?.[0] !== undefined) ?? end;
    const [cause, meaning] = meanings[why.verdict] ?? [undefined, "its meaning is not known"];
    const failing = cause ?? (subject.protocol === "nfs" ? "nfs.gss-failure" : undefined);
    const verdict: Verdict | undefined =
      failing === undefined
        ? undefined
        : { cause: failing, confidence: "possible", summary: `${program} said last: ${why.text}`, advice: [meaning] };
    return [{ result: "warn", evidence: `${program}: ${why.text}`, meaning, ...(verdict && { verdict }) }];
  });
}

/** Lines that name no server may be of any. */
const concerns = ({ target }: JournalLine, host: string | undefined): boolean =>
  host === undefined || target?.server === undefined || target.server.toLowerCase() === host.toLowerCase();
