/** A record of the kernel log that concerns the SMB or the NFS client (smb/kernel-messages.ts, nfs/kernel-messages.ts). */
export interface KernelMessage {
  /** Of the catalogue: `smb.not-responding`. `smb.other` and `nfs.other`: the clients say it, and no rule knows it. */
  readonly id: string;
  readonly protocol: "smb" | "nfs";
  /** `trouble`: something does not work. `recovered`: it works again. `notice`: worth keeping, no trouble by itself. */
  readonly kind: "trouble" | "recovered" | "notice";
  /** CLOCK_MONOTONIC ns, within a second. */
  readonly timeNs: number;
  /** syslog severity, 0-7. */
  readonly level: number;
  readonly server?: string;
  /** `\\server\share` */
  readonly share?: string;
  /** errno, positive. */
  readonly errno?: number;
  /** NT status. */
  readonly status?: number;
  /** Any other number that it tells: seconds without an answer, locks lost. */
  readonly count?: number;
  readonly text: string;
}

/** What a rule makes of a text: everything of KernelMessage that the text tells. */
export type MessageFacts = Omit<KernelMessage, "timeNs" | "level">;

/**
 * A line of the catalogue: id, kind, and what the text must match. Groups with a name say what the text tells: `server`, `share`, `errno`, `status`
 * (hexadecimal), `count`.
 */
export type MessageRule = readonly [id: string, kind: KernelMessage["kind"], pattern: RegExp];

/** Longer ones are cut: what the kernel says of these clients is shorter. */
const TEXT_MAX = 1000;

/** What the first rule that fits says of a text. `rest`: the text without what every message of its kind begins with. */
export function applyMessageRules(
  rules: readonly MessageRule[],
  protocol: KernelMessage["protocol"],
  text: string,
  rest: string,
  known: Pick<MessageFacts, "server" | "share"> = {},
): MessageFacts {
  const shared = { protocol, ...known, text: text.slice(0, TEXT_MAX) };
  for (const [id, kind, pattern] of rules) {
    const match = pattern.exec(rest);
    if (match !== null) return { ...shared, id, kind, ...factsOf(match.groups ?? {}) };
  }
  return { ...shared, id: `${protocol}.other`, kind: "notice" };
}

type Facts = { -readonly [Key in "server" | "share" | "errno" | "status" | "count"]?: MessageFacts[Key] };

function factsOf({ server, share, errno, status, count }: Partial<Record<string, string>>): Facts {
  const facts: Facts = {};
  if (server !== undefined) facts.server = server;
  if (share !== undefined) facts.share = share;
  // A return code of the kernel: negative, and 0 for none.
  const code = Math.abs(Number(errno));
  if (errno !== undefined && Number.isSafeInteger(code) && code > 0) facts.errno = code;
  const ntStatus = Number.parseInt(status ?? "", 16);
  if (Number.isSafeInteger(ntStatus)) facts.status = ntStatus;
  if (count !== undefined && Number.isSafeInteger(Number(count))) facts.count = Number(count);
  return facts;
}
