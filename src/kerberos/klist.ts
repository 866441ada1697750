// What MIT's klist(1) prints of one cache, with TZ=UTC and LC_ALL=C; with -e it tells encryption types too.
import type { CachedTicket, Ccache } from "./ccache.ts";

const date = "(\\d\\d)/(\\d\\d)/(\\d{2,4}) (\\d\\d):(\\d\\d):(\\d\\d)";
const ticketLine = new RegExp(`^${date}  ${date}  (\\S+)`);
const renewLine = new RegExp(`^\\s+renew until ${date}`);
const typesLine = /\bEtype \(skey, tkt\): ([^\s,]+),/;

/** Undefined when there is no cache. Never throws. */
export function parseKlist(text: string): Ccache | undefined {
  const client = /^Default principal: (\S+)/m.exec(text)?.[1];
  if (client === undefined) return undefined;
  const tickets: CachedTicket[] = [];
  for (const line of text.split("\n")) {
    const match = ticketLine.exec(line);
    const renew = renewLine.exec(line);
    const last = tickets.at(-1);
    if (match !== null) tickets.push({ service: match[13] ?? "", end: secondsOf(match.slice(7, 13)), renewUntil: 0 });
    else if (renew !== null && last !== undefined)
      tickets.splice(-1, 1, { ...last, renewUntil: secondsOf(renew.slice(1, 7)) });
    // It stands behind "renew until" in one line.
    const encryption = typesLine.exec(line)?.[1];
    const newest = tickets.at(-1);
    if (encryption !== undefined && newest !== undefined) tickets.splice(-1, 1, { ...newest, encryption });
  }
  return { client, tickets, whole: true };
}

function secondsOf(parts: readonly string[]): number {
  const [month = 0, day = 0, year = 0, hour = 0, minute = 0, second = 0] = parts.map(Number);
  return Date.UTC(year < 100 ? 2000 + year : year, month - 1, day, hour, minute, second) / 1000;
}
