import type { RpcReport } from "../packets/nfs/rpc-report.ts";
import type { Unanswered } from "../packets/smb/smb-report.ts";
import { left, printable, right } from "../tools/table-text.ts";

const line = (name: string, text: string): string => `  ${left(name, 11)} ${printable(text)}`;

/** What a connection of RPC says. */
export function rpcLines(rpc: RpcReport): string[] {
  const counted = (counts: Readonly<Record<string, number>>): string =>
    Object.entries(counts)
      .map(([name, count]) => `${name} (${count})`)
      .join(", ");
  const named: readonly (readonly [name: string, values: readonly string[]])[] = [
    ["machine", rpc.machines],
    ["client", [...rpc.owners, ...rpc.client_versions]],
    ["server", rpc.server_versions],
  ];
  const notes: readonly (readonly [count: number, text: string])[] = [
    [rpc.retransmissions, "calls sent again with the same xid"],
    [rpc.sealed_calls, "calls whose arguments are encrypted (krb5p)"],
    [rpc.unmatched_replies, "replies whose call the capture has not"],
    [rpc.malformed, "malformed, left out"],
  ];
  return [
    ...(rpc.tls
      ? [line("TLS", "from the handshake on everything is encrypted (xprtsec): what is in it is not seen")]
      : []),
    ...(rpc.messages === 0 ? [] : [line("calls", `${counted(rpc.programs)}; security ${counted(rpc.security)}`)]),
    ...named.filter(([, values]) => values.length > 0).map(([name, values]) => line(name, values.join("; "))),
    ...statusLines(rpc.statuses),
    ...notes.filter(([count]) => count > 0).map(([count, text]) => line("messages", `${count} ${text}`)),
    ...unansweredLine(rpc.unanswered),
  ];
}

const MAX_STATUSES = 20;

/** Answers other than success. */
export function statusLines(
  statuses: readonly { readonly name: string; readonly status: string; readonly count: number }[],
): string[] {
  const more = statuses.length - MAX_STATUSES;
  return [
    ...statuses
      .slice(0, MAX_STATUSES)
      .map(({ name, status, count }, index) =>
        line(index === 0 ? "answers" : "", `${right(count, 6)} ${name} ${status}`),
      ),
    ...(more > 0 ? [line("", `${right(more, 6)} further kinds: --json has them all`)] : []),
  ];
}

export function unansweredLine({ count, forgotten, oldest }: Unanswered): string[] {
  if (count + forgotten === 0) return [];
  const age = oldest === undefined ? "" : `; the oldest is ${oldest.name}, for ${(oldest.age_us / 1e6).toFixed(3)} s`;
  const given = forgotten === 0 ? "" : `, and ${forgotten} given up for newer ones`;
  return [line("unanswered", `${count} when the capture ends${given}${age}`)];
}
