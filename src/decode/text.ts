import { colours as pc } from "../system/colours.ts";
import { left, printable, right } from "../tools/table-text.ts";
import type { CallItem, EventItem, Item, RequestItem } from "./item.ts";
import type { Totals } from "./timeline.ts";

export const heading = `${left("TIME", 15)} ${left("TASK", 22)} ${right("LATENCY", 9)}  WHAT`;

/** One item of the time line: a call has its requests below it. */
export function itemText(item: Item): string[] {
  switch (item.type) {
    case "request":
      return [row(item, item.latencyUs, requestText(item))];
    case "call":
      return [row(item, item.latencyUs, callText(item)), ...item.requests.map((one) => innerRow(one, item))];
    case "event":
      return [row(item, undefined, eventText(item))];
    case "lost":
      return [pc.yellow(`${item.count > 0 ? item.count : "some"} events were lost here${cpuText(item.cpu)}`)];
    case "line":
      return [`? ${printable(item.text)}`];
  }
}

const cpuText = (cpu: number | undefined): string => (cpu === undefined ? "" : ` on processor ${cpu}`);

interface Row {
  readonly time: number;
  readonly comm: string;
  readonly pid: number;
}

function row({ time, comm, pid }: Row, latencyUs: number | undefined, what: string): string {
  const latency = latencyUs === undefined ? "" : duration(latencyUs);
  return `${left(time.toFixed(6), 15)} ${left(`${printable(comm)}-${pid}`, 22)} ${right(latency, 9)}  ${what}`;
}

/** The task is said again only where it is another one. */
function innerRow(request: RequestItem, call: CallItem): string {
  const task = request.pid === call.pid ? "" : `${printable(request.comm)}-${request.pid}`;
  const latency = request.latencyUs === undefined ? "" : duration(request.latencyUs);
  return `${left(request.time.toFixed(6), 15)} ${left(task, 22)} ${right(latency, 9)}    ${requestText(request)}`;
}

function requestText(request: RequestItem): string {
  const { command, protocol, mid, chain, credits, charge, xid, transmissions, backlogUs, rttUs } = request;
  const parts = [
    pc.bold(command.replace(/^SMB2_/, "")),
    mid === undefined ? undefined : `mid ${mid}`,
    protocol === "nfs" && xid !== undefined ? `xid ${xid}` : undefined,
    chain === undefined ? undefined : `chain ${chain.first} ${chain.at}/${chain.of}`,
    credits === undefined ? undefined : `credits ${credits}${charge === undefined ? "" : ` (-${charge})`}`,
    rttUs === undefined ? undefined : `rtt ${duration(rttUs)}`,
    backlogUs === undefined || backlogUs < 1000 ? undefined : `queued ${duration(backlogUs)}`,
    transmissions === undefined ? undefined : pc.yellow(`sent ${transmissions} times`),
    endingText(request),
  ];
  return parts.filter((part) => part !== undefined).join("  ");
}

function endingText(request: RequestItem): string | undefined {
  const { ending, status, statusText, errno, command, chain } = request;
  if (ending === "no-begin") return pc.dim("(began before the trace)");
  if (ending === "no-end") {
    if (command === "SMB2_ECHO") return pc.dim("(the client does not tell its answer)");
    return pc.dim(
      chain === undefined ? "(no end in the trace)" : "(no end of its own: an earlier part of the chain failed)",
    );
  }
  if (status === undefined) return undefined;
  const said = errno === undefined || errno === status ? status : `${status} ${errno}`;
  const text = statusText === undefined ? said : `${said}: ${statusText}`;
  return ending === "failed" ? pc.red(text) : text;
}

function callText({ name, steps, errno, errnoText, rc, ending }: CallItem): string {
  const what = steps.length === 0 ? name : `${name}: ${steps.map(printable).join(", ")}`;
  if (ending === "no-begin") return `${what} ${pc.dim("(began before the trace)")}${errorText(errno, errnoText)}`;
  if (ending === "no-end") return `${what} ${pc.dim("(no end in the trace)")}`;
  return rc === undefined || errno !== undefined ? `${what}${errorText(errno, errnoText)}` : `${what}  ${rc}`;
}

function errorText(errno: string | undefined, text: string | undefined): string {
  return errno === undefined ? "" : `  ${pc.red(text === undefined ? errno : `${errno}: ${text}`)}`;
}

const eventText = ({ name, text, errno, errnoText }: EventItem): string =>
  `${name}: ${printable(text)}${errorText(errno, errnoText)}`;

export function duration(us: number): string {
  if (us < 1000) return `${us} us`;
  return us < 1e6 ? `${(us / 1000).toFixed(2)} ms` : `${(us / 1e6).toFixed(3)} s`;
}

/** What the whole trace has, before any filter. */
export function totalsText(totals: Totals): string[] {
  const rows = [...totals.commands].sort(([, a], [, b]) => b.count - a.count);
  const lines = rows.map(([command, { count, errors, withoutEnd, totalUs, worstUs, timed }]) => {
    const mean = timed === 0 ? "" : duration(Math.round(totalUs / timed));
    const worst = timed === 0 ? "" : duration(worstUs);
    return `${left(command, 22)} ${right(String(count), 9)} ${right(String(errors), 9)} ${right(String(withoutEnd), 9)} ${right(mean, 10)} ${right(worst, 10)}`;
  });
  const head = ["COUNT", "ERRORS", "NO END"].map((title) => right(title, 9)).join(" ");
  return [
    ...(lines.length === 0
      ? []
      : ["", `${left("COMMAND", 22)} ${head} ${right("MEAN", 10)} ${right("WORST", 10)}`, ...lines]),
    "",
    ...lossText(totals),
  ];
}

function lossText(totals: Totals): string[] {
  const { events, joined, lostEvents, lostUnknown, unknownEvents, unknownLines, unknown } = totals;
  const names = [...unknown].slice(0, 5).map(([name, count]) => `${printable(name)} ${count}`);
  const lost = lostEvents > 0 || lostUnknown > 0;
  return [
    `${events} events, ${joined} requests joined with their end`,
    ...(lost
      ? [
          pc.yellow(
            `lost: ${lostEvents} events${lostUnknown > 0 ? `, and ${lostUnknown} times the trace does not say how many` : ""}`,
          ),
        ]
      : []),
    ...(unknownEvents > 0
      ? [`of other kinds: ${unknownEvents} events (${names.join(", ")}${unknown.size > 5 ? ", ..." : ""})`]
      : []),
    ...(unknownLines > 0 ? [pc.yellow(`${unknownLines} lines are no events`)] : []),
  ];
}
