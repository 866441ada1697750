import type { Argv, Run } from "../../system/process.ts";
import type { IncidentJson } from "./json.ts";

/** What happened to an incident. */
export interface IncidentNews {
  readonly event: "opened" | "worse" | "closed";
  readonly incident: IncidentJson;
  /** One line: the anomaly that opened it, or made it worse. */
  readonly summary: string;
}

export interface AnnounceRules {
  readonly journal: boolean;
  /** Empty: none. */
  readonly program: readonly string[];
  readonly programLimitMs: number;
}

export interface AnnouncerDeps {
  readonly rules: () => AnnounceRules;
  readonly run: Run;
  /** Whether journald listens: there is /run/systemd/journal/socket. */
  readonly journald: () => boolean;
  readonly log: { warn(details: object, message: string): void };
}

/** Of the journal's entries about incidents: `journalctl MESSAGE_ID=...`. They never change. */
export const messageIds: Readonly<Record<IncidentNews["event"], string>> = {
  opened: "5f1d9c0e6b0a4f6c9a8e3d27c41b7e90",
  worse: "a3c2f7d4180b4e0d8f5b96e1427ac358",
  closed: "0d84be6f93c7458fb1627ae95cd03f11",
};

/** err, warning, notice of syslog(3). */
const priorities: Readonly<Record<string, number>> = { critical: 3, warning: 4, info: 5 };
const JOURNAL_LIMIT_MS = 5000;
/** Of news that wait because a program has not ended. */
const MAX_WAITING = 64;

/** Tells the journal, and a program of the site's own, of incidents: one after the other, and never so that an incident waits for it. */
export class Announcer {
  readonly counts = { journal_entries: 0, journal_failed: 0, programs: 0, programs_failed: 0, dropped: 0 };
  /** Why the last one failed. */
  lastError: string | undefined;
  readonly #deps: AnnouncerDeps;
  readonly #journal: IncidentNews[] = [];
  readonly #program: IncidentNews[] = [];
  readonly #busy = new Set<Promise<void>>();
  readonly #running = { journal: false, program: false };

  constructor(deps: AnnouncerDeps) {
    this.#deps = deps;
  }

  announce(news: IncidentNews): void {
    const { journal, program } = this.#deps.rules();
    if (journal) this.#enqueue("journal", this.#journal, news, (one) => this.#write(one));
    if (program.length > 0) this.#enqueue("program", this.#program, news, (one) => this.#start(one));
  }

  /** Whether entries reach the journal, and why not. */
  get journalState(): string {
    if (!this.#deps.rules().journal) return "off";
    return this.#deps.journald() ? "ok" : "journald does not listen: there is no /run/systemd/journal/socket";
  }

  /** Resolves when all that was announced by now has been told or given up. */
  async idle(): Promise<void> {
    await Promise.all(this.#busy);
  }

  #enqueue(
    name: "journal" | "program",
    queue: IncidentNews[],
    news: IncidentNews,
    tell: (news: IncidentNews) => Promise<void>,
  ): void {
    if (queue.length >= MAX_WAITING) {
      this.counts.dropped++;
      return;
    }
    queue.push(news);
    if (this.#running[name]) return;
    this.#running[name] = true;
    const work = this.#drain(queue, tell).finally(() => {
      this.#running[name] = false;
      this.#busy.delete(work);
    });
    this.#busy.add(work);
  }

  async #drain(queue: IncidentNews[], tell: (news: IncidentNews) => Promise<void>): Promise<void> {
    for (;;) {
      const news = queue.shift();
      if (news === undefined) return;
      await tell(news);
    }
  }

  async #write(news: IncidentNews): Promise<void> {
    if (!this.#deps.journald()) {
      this.counts.journal_failed++;
      return;
    }
    const input = `${journalFields(news).join("\n")}\n`;
    const result = await this.#deps.run(["logger", "--journald"], {
      timeoutMs: JOURNAL_LIMIT_MS,
      maxBytes: 4096,
      input,
    });
    if (result.status === "ok") this.counts.journal_entries++;
    else {
      this.counts.journal_failed++;
      this.#failed(news, `logger --journald: ${result.reason ?? result.status}`);
    }
  }

  async #start(news: IncidentNews): Promise<void> {
    const { program, programLimitMs } = this.#deps.rules();
    const [path, ...rest] = program;
    if (path === undefined) return;
    const argv: Argv = [path, ...rest];
    const env = {
      PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
      LC_ALL: "C",
      ...environment(news),
    };
    this.counts.programs++;
    const result = await this.#deps.run(argv, { timeoutMs: programLimitMs, maxBytes: 64 * 1024, env });
    if (result.status === "ok") return;
    this.counts.programs_failed++;
    this.#failed(news, `on_incident: ${path}: ${result.reason ?? result.status}`);
  }

  #failed({ incident }: IncidentNews, why: string): void {
    this.lastError = why;
    this.#deps.log.warn({ incident: incident.id, why }, "an incident could not be announced");
  }
}

/** AOD_EVENT, AOD_INCIDENT, ...: the same names in the program's environment and in the journal. */
export function environment({ event, incident, summary }: IncidentNews): Readonly<Record<string, string>> {
  const { id, severity = "warning", target, anomalies, bundle, opened, closed } = incident;
  const all: Record<string, string | null | undefined> = {
    AOD_EVENT: event,
    AOD_INCIDENT: id,
    AOD_SEVERITY: severity,
    AOD_SUMMARY: summary,
    AOD_DETECTOR: anomalies[0]?.detector,
    AOD_SERVER: target.server,
    AOD_SHARE: target.share,
    AOD_OPENED: opened,
    AOD_CLOSED: closed,
    AOD_BUNDLE: bundle,
  };
  const known = Object.entries(all).flatMap(([name, value]) =>
    value === undefined || value === null ? [] : [[name, oneLine(value)] as const],
  );
  return Object.fromEntries(known);
}

/** As logger(1) takes them: one `NAME=value` a line. */
export function journalFields(news: IncidentNews): string[] {
  const { event, incident, summary } = news;
  const { severity = "warning", target } = incident;
  const about = target.share ?? target.server;
  const text = {
    opened: `incident ${incident.id} opened`,
    worse: `incident ${incident.id} got worse`,
    closed: `incident ${incident.id} closed`,
  }[event];
  const bundle = event === "closed" ? `, bundle ${incident.bundle ?? "none"}` : "";
  return [
    `MESSAGE_ID=${messageIds[event]}`,
    `PRIORITY=${event === "closed" ? 5 : (priorities[severity] ?? 4)}`,
    "SYSLOG_IDENTIFIER=aod",
    `MESSAGE=${oneLine(`${text}${about === undefined ? "" : ` (${about})`}: ${summary}${bundle}`)}`,
    ...Object.entries(environment(news)).map(([name, value]) => `${name}=${value}`),
  ];
}

/** A line end would begin another field. */
function oneLine(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not get there
  return text.replace(/[\u0000-\u001f\u007f]+/g, " ").slice(0, 2000);
}
