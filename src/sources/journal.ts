import { existsSync } from "node:fs";
import { join } from "node:path";
import type { JournalLine } from "../detect/observation.ts";
import { journalArgv, parseJournalEntry } from "../system/journal.ts";
import type { RunningStream, StreamEnd } from "../system/stream.ts";
import type { Mounts } from "./mounts.ts";
import type { Outcome, Source, SourceRoots } from "./source.ts";
import { notLocal } from "./targets.ts";
import { UpcallLines, upcallPrograms } from "./upcall-lines.ts";

const MAX_QUEUED = 500;
const MAX_LINE = 16 * 1024;
const LONGEST_DELAY_NS = 60e9;
/** Without it nothing new is written, whatever lies there from before. */
const SOCKET = "run/systemd/journal/socket";

/**
 * What the programs that the kernel asks for keys say in the journal. One `journalctl --follow` waits for them; it reads what journald has written and asks
 * nobody.
 */
export function journalSource({ clock, fsRoot, stream }: SourceRoots, mounts: Mounts): Source {
  const lines = new UpcallLines();
  const lost = { "over-limit": 0, "cut-lines": 0, "not-understood": 0 };
  let queue: JournalLine[] = [];
  let running: RunningStream | undefined;
  let ended: StreamEnd | undefined;
  let attempts = 0;
  let nextNs = 0;

  const take = (text: string, cut: boolean): void => {
    if (cut) {
      lost["cut-lines"]++;
      return;
    }
    const entry = parseJournalEntry(text);
    if (entry === undefined) {
      if (text !== "") lost["not-understood"]++;
      return;
    }
    const line = lines.line(entry, clock.nowNs());
    if (line === undefined) return;
    if (queue.length < MAX_QUEUED) queue.push(line);
    else lost["over-limit"]++;
  };
  const start = (): void => {
    ended = undefined;
    attempts++;
    running = stream(journalArgv(upcallPrograms), {
      maxLine: MAX_LINE,
      onLine: take,
      onEnd: (end) => {
        running = undefined;
        ended = end;
        nextNs = clock.nowNs() + Math.min(LONGEST_DELAY_NS, 1e9 * 2 ** Math.min(attempts, 10));
      },
    });
  };

  return {
    name: "journal",
    summary: `journalctl --follow of ${upcallPrograms.slice(0, 4).join(", ")} ...`,
    timeoutMs: 5000,
    everyNs: () => 1e9,
    read(): Outcome {
      const nowNs = clock.nowNs();
      if (running === undefined && nowNs >= nextNs) {
        const why = noJournal(fsRoot, mounts.mounts);
        if (why !== undefined) return { off: why };
        start();
      } else if (running !== undefined) attempts = 0;
      const news = queue;
      queue = [];
      const end = ended as StreamEnd | undefined;
      if (end?.missing === true) return { off: end.reason };
      if (end !== undefined && running === undefined && news.length === 0)
        throw new Error(`journalctl ended: ${end.reason}`);
      return {
        observations: news.length === 0 ? [] : [{ type: "journal", nowNs, lines: news }],
        ...(existsSync(join(fsRoot, SOCKET)) ? {} : { degraded: `journald does not listen: there is no /${SOCKET}` }),
        trouble: news.some(({ verdict }) => verdict !== "upcall-ok" && verdict !== "other"),
      };
    },
    losses: () => Object.fromEntries(Object.entries(lost).filter(([, count]) => count > 0)),
    close() {
      running?.stop();
    },
  };
}

function noJournal(fsRoot: string, mounts: Mounts["mounts"]): string | undefined {
  const remote: string[] = [];
  for (const path of ["/run/log/journal", "/var/log/journal"]) {
    const why = notLocal(path, mounts);
    if (why !== undefined) remote.push(why);
    else if (existsSync(join(fsRoot, path))) return undefined;
  }
  return remote[0] ?? "there is no journal: neither /run/log/journal nor /var/log/journal";
}
