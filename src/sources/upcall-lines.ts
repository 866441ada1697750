// What the programs that the kernel asks for keys and names say: cifs.upcall(8), rpc.gssd(8), request-key(8), nfsidmap(8), key.dns_resolver(8).
import type { JournalLine, JournalVerdict, ObservedTarget, Protocol } from "../detect/observation.ts";
import type { JournalEntry } from "../system/journal.ts";

export const upcallPrograms: readonly string[] = [
  "cifs.upcall",
  "cifs.idmap",
  "rpc.gssd",
  "request-key",
  "key.dns_resolver",
  "nfsidmap",
  "gssproxy",
];

/** Texts of MIT Kerberos and Heimdal, and numbers of MIT's that cifs.upcall prints without a text (lib/krb5/error_tables). The first that fits counts. */
const verdicts: readonly (readonly [JournalVerdict, RegExp])[] = [
  ["denied", /avc: +denied|apparmor="DENIED"/],
  ["ticket-expired", /Ticket expired|(?:ticket|credentials?|CC '[^']*') .*(?:has |is )?expired|-1765328352/i],
  ["clock-skew", /Clock skew too great|-1765328347/i],
  [
    "wrong-principal",
    /Server .*not found in Kerberos database|Wrong principal in request|no usable keytab entry|-1765328377/i,
  ],
  [
    "no-credentials",
    /No Kerberos credentials|No credentials (?:cache|found|were supplied)|Credentials cache .*not found|No credentials found|unable to get client principal name|-1765328189|-1765328243/i,
  ],
  ["kdc-unreachable", /Cannot (?:contact|find|resolve)\b.*\bKDC|-1765328228|-1765328230/i],
  ["name-resolution", /unable to resolve|failed to resolve|getaddrinfo\(.*\) failed|Name or service not known/i],
  ["upcall-ok", /^Exit status 0$|: obtained service ticket$|instantiation successful/],
  [
    "upcall-failed",
    /^Exit status -?[1-9]|Unable to obtain service ticket|failed to obtain service ticket|Negating key|Failed to create (?:machine )?krb5 context|No matching action|Failed to execute|child (?:died|exited)|^ERROR: |keyctl_\w+.*failed|failed: /i,
  ],
];

/** Of the runs of upcalls that are under way: a run says first for whom it is, and its end without. */
const MAX_RUNS = 64;
const TEXT_MAX = 1000;

type About = Pick<JournalLine, "target" | "uid">;

/** Makes lines of entries; remembers what each run of an upcall said it was about. */
export class UpcallLines {
  readonly #runs = new Map<string, About>();

  /** Undefined for what is none of ours. Never throws. */
  line({ timeNs, program, pid, text }: JournalEntry, nowNs: number): JournalLine | undefined {
    const audit = program === "audit" || program === "kernel";
    if (audit && !/comm="(?:cifs\.upcall|cifs\.idmap|rpc\.gssd|request-key|key\.dns_resol|nfsidmap)/.test(text))
      return undefined;
    const known = this.#about(`${program} ${pid ?? ""}`, aboutOf(text));
    const verdict = verdicts.find(([, pattern]) => pattern.test(text))?.[0] ?? "other";
    const protocol = protocolOf(program, text);
    const target: ObservedTarget | undefined =
      known.target ?? (protocol === undefined ? undefined : { protocol, ...serverIn(text) });
    const code = codeOf(text);
    return {
      timeNs: timeNs ?? nowNs,
      program,
      ...(pid === undefined ? {} : { pid }),
      verdict,
      ...(target === undefined ? {} : { target }),
      ...(known.uid === undefined ? uidIn(text) : { uid: known.uid }),
      ...(code === undefined ? {} : { code }),
      text: text.slice(0, TEXT_MAX),
    };
  }

  #about(run: string, news: About | undefined): About {
    if (news === undefined) return this.#runs.get(run) ?? {};
    this.#runs.delete(run);
    this.#runs.set(run, news);
    for (const oldest of this.#runs.keys()) {
      if (this.#runs.size <= MAX_RUNS) break;
      this.#runs.delete(oldest);
    }
    return news;
  }
}

/** `cifs.spnego;0;0;39010000;ver=0x2;host=files.example;ip4=10.0.0.1;sec=krb5;uid=0x0;creduid=0x3e8;user=u;pid=0x12` */
export function spnegoFacts(description: string): About | undefined {
  if (!/(?:^|;|\s)(?:ver|sec)=/.test(description)) return undefined;
  const facts = new Map(description.split(/[;\s]/).map((part) => part.split("=", 2) as [string, string | undefined]));
  const server = facts.get("host");
  const address = facts.get("ip4") ?? facts.get("ip6");
  const uid = Number(facts.get("creduid") ?? facts.get("uid"));
  return {
    target: {
      protocol: "smb",
      ...(server === undefined ? {} : { server }),
      ...(address === undefined ? {} : { address }),
    },
    ...(Number.isSafeInteger(uid) ? { uid } : {}),
  };
}

function aboutOf(text: string): About | undefined {
  return text.includes("cifs.spnego;") ? spnegoFacts(text) : undefined;
}

function protocolOf(program: string, text: string): Protocol | undefined {
  if (program.startsWith("cifs.") || /comm="cifs\./.test(text)) return "smb";
  if (program === "rpc.gssd" || program === "nfsidmap" || /comm="(?:rpc\.gssd|nfsidmap)/.test(text)) return "nfs";
  return undefined;
}

function serverIn(text: string): { readonly server?: string } {
  // rpc.gssd: `for server nfs@nas.example`, `connection to server nas`; cifs.upcall: `cifs/files@REALM`.
  const [, server] = /\bserver (?:\w+@)?([\w.:-]+)/.exec(text) ?? /\b(?:cifs|nfs|host)\/([\w.-]+)@/.exec(text) ?? [];
  return server === undefined ? {} : { server };
}

function uidIn(text: string): { readonly uid?: number } {
  const [, uid] = /\buid (\d+)\b/.exec(text) ?? [];
  return uid === undefined ? {} : { uid: Number(uid) };
}

function codeOf(text: string): number | undefined {
  const [, number] = /(?:^Exit status |\berr |\((?=-?\d+\)\.?$)|error )(-?\d+)/.exec(text) ?? [];
  return number === undefined ? undefined : Number(number);
}
