import { Blindness } from "./blind.ts";
import { BoundedMap } from "./bounded-map.ts";
import type { Anomaly, AnomalyTarget, Detector, Needs, Severity } from "./detector.ts";
import { seconds } from "./latency-summary.ts";
import type {
  JournalLine,
  JournalVerdict,
  KeySample,
  MountedFileSystem,
  Observation,
  TicketSample,
} from "./observation.ts";
import { keyOf, targetText } from "./target.ts";
import { Verdicts } from "./verdicts.ts";
import { WindowCount } from "./window-count.ts";

export interface AuthRules {
  readonly windowNs: number;
  /** Failed upcalls of one kind and user within the window. */
  readonly failures: number;
  /** A ticket that ends within so long is told. */
  readonly ticketEndsNs: number;
  /** Of a ticket that ends, or has ended while a mount may need it: on many hosts people let theirs end every evening. */
  readonly ticketSeverity: Severity;
  readonly maxTracked: number;
}

const sentences: Partial<Record<JournalVerdict, string>> = {
  "no-credentials": "no credentials were found",
  "ticket-expired": "the ticket has expired",
  "clock-skew": "the clocks of client and KDC differ too much",
  "wrong-principal": "the server's principal is not known",
  "kdc-unreachable": "no KDC could be reached",
  "name-resolution": "a name could not be resolved",
  "upcall-failed": "the upcall failed",
  denied: "access was denied",
};

const QUIET_NS = 10 * 60e9;
/** Whoever left an old cache behind does not need it. */
const LONG_AGO_NS = 3600e9;
/** A key of this type without content is an upcall that gave none. */
const UPCALL_KEY = "cifs.spnego";

/** Credentials: upcalls that fail, tickets that end. */
export class AuthDetector implements Detector {
  readonly name = "auth";
  readonly needs: Needs = { slowNs: new Map() };
  #rules: AuthRules;
  readonly #failures: BoundedMap<string, WindowCount>;
  readonly #verdicts: Verdicts;
  readonly #blindness = new Blindness([
    { source: "journal", without: "why an upcall failed is not known" },
    { source: "tickets", without: "tickets that end are not seen" },
  ]);
  #mounted: readonly MountedFileSystem[] = [];

  constructor(rules: AuthRules) {
    this.#rules = rules;
    this.#failures = new BoundedMap(rules.maxTracked);
    this.#verdicts = new Verdicts("auth", rules.maxTracked);
  }

  configure(rules: AuthRules): void {
    for (const window of this.#failures.values()) window.resize(rules.windowNs);
    this.#failures.resize(rules.maxTracked);
    this.#verdicts.resize(rules.maxTracked);
    this.#rules = rules;
  }

  observe(observation: Observation): Anomaly[] {
    this.#blindness.observe(observation);
    const { nowNs } = observation;
    if (observation.type === "mounts") this.#mounted = observation.all;
    if (observation.type === "journal") return observation.lines.flatMap((line) => this.#line(line));
    if (observation.type !== "tickets") return [];
    const { tickets, keys } = observation;
    return [
      ...tickets.flatMap((ticket) => this.#ticket(ticket, tickets, nowNs)),
      ...keys.flatMap((key) => this.#key(key, nowNs)),
    ];
  }

  reject(): void {}

  state(): Readonly<Record<string, number>> {
    return { upcalls_followed: this.#failures.size, forgotten: this.#failures.forgotten };
  }

  blind(): string[] {
    return this.#blindness.blind();
  }

  #line({ verdict, program, uid, code, target, timeNs }: JournalLine): Anomaly[] {
    const sentence = sentences[verdict];
    if (sentence === undefined) return [];
    const about: AnomalyTarget = target ?? {};
    const key = `${program}|${verdict}|${uid ?? ""}|${keyOf(about)}`;
    const window = this.#failures.of(key, () => new WindowCount(this.#rules.windowNs));
    window.add(timeNs);
    const total = window.total(timeNs);
    if (total < this.#rules.failures) return [];
    const whom = uid === undefined ? "" : ` of user ${uid}`;
    return [
      this.#verdicts.tell({
        rule: verdict,
        key,
        severity: "warning",
        timeNs,
        quietNs: Math.max(QUIET_NS, this.#rules.windowNs),
        target: about,
        summary: `${program}: ${sentence}${whom}${target === undefined ? "" : `, for ${targetText(about)}`}`,
        // Not the line: it may name people and principals.
        evidence: {
          program,
          within_window: total,
          ...(uid === undefined ? {} : { uid }),
          ...(code === undefined ? {} : { code }),
        },
      }),
    ];
  }

  #ticket(ticket: TicketSample, all: readonly TicketSample[], nowNs: number): Anomaly[] {
    const { cache, uid, service, remainingNs, target } = ticket;
    const ended = remainingNs <= 0;
    if (remainingNs > this.#rules.ticketEndsNs || remainingNs < -LONG_AGO_NS) return [];
    // A ticket-granting ticket that holds gets another for a service; one that can be renewed is.
    if (
      !isGranting(service) &&
      all.some((one) => one.cache === cache && isGranting(one.service) && one.remainingNs > 0)
    )
      return [];
    if (!ended && (ticket.renewableNs ?? 0) > remainingNs) return [];
    if (ended && !this.#isNeeded(ticket)) return [];
    const end = seconds(Math.abs(remainingNs) / 1000);
    const what = isGranting(service) ? "the ticket-granting ticket" : `the ticket for ${targetText(target ?? {})}`;
    return [
      this.#verdicts.tell({
        rule: ended ? "ticket-expired" : "ticket-ends",
        key: `${cache}|${service}`,
        severity: this.#rules.ticketSeverity,
        timeNs: nowNs,
        quietNs: QUIET_NS,
        target: target ?? {},
        summary: ended ? `${what} of user ${uid} ended ${end} ago` : `${what} of user ${uid} ends in ${end}`,
        evidence: { uid, remaining_s: Math.round(remainingNs / 1e9) },
      }),
    ];
  }

  #key({ type, state, uid, target }: KeySample, nowNs: number): Anomaly[] {
    if (type !== UPCALL_KEY || state !== "negative") return [];
    const about: AnomalyTarget = target ?? { protocol: "smb" };
    return [
      this.#verdicts.tell({
        rule: "key",
        key: `${uid}|${keyOf(about)}`,
        severity: "warning",
        timeNs: nowNs,
        quietNs: QUIET_NS,
        target: about,
        summary: `the upcall for ${targetText(about)} gave user ${uid} no key`,
        evidence: { uid, key_type: type },
      }),
    ];
  }

  /** Of a user whose tickets no mount is known to use nothing is wrong when they end. */
  #isNeeded({ target, service }: TicketSample): boolean {
    if (target === undefined) return isGranting(service) && this.#mounted.length > 0;
    return this.#mounted.some((mount) => mount.target.server === target.server);
  }
}

function isGranting(service: string): boolean {
  return service.startsWith("krbtgt/");
}
