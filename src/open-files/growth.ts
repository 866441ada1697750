// Handles over time: whose number grows.
import { printable } from "../tools/table-text.ts";
import type { Shown } from "./look.ts";
import { counted } from "./text.ts";

export interface Owner {
  readonly share: string;
  /** Absent: nobody has them. */
  readonly pid?: number;
  readonly comm?: string;
  readonly handles: number;
  /** Since the last look, and since the first. */
  readonly change: number;
  readonly since_start: number;
  /** Looks in a row, up to this one, at each of which there were more. */
  readonly grown: number;
  /** Without an owner: those that the client should have closed. */
  readonly leaked: number;
}

interface Known {
  readonly first: number;
  readonly last: number;
  readonly grown: number;
}

/** So many looks in a row with more at each are told as growth. */
const GROWS = 3;
const MAX_OWNERS = 20;

export class Growth {
  #known = new Map<string, Known>();
  #begun = false;

  /** Who holds how many now, the most first. */
  take(shown: Shown): readonly Owner[] {
    const counts = new Map<string, { share: string; pid?: number; comm?: string; handles: number; leaked: number }>();
    const add = (share: string, owner: { pid?: number; comm?: string }, leaked: boolean): void => {
      const key = `${share} ${owner.pid}`;
      const before = counts.get(key) ?? { share, ...owner, handles: 0, leaked: 0 };
      counts.set(key, { ...before, handles: before.handles + 1, leaked: before.leaked + Number(leaked) });
    };
    for (const { share = "-", holders, state } of shown.handles) {
      const process = holders.find((holder) => holder.process !== undefined)?.process;
      add(share, process === undefined ? {} : { pid: process.pid, comm: process.comm }, state === "leaked");
    }
    for (const { mount, descriptor } of shown.nfs)
      add(mount.source, { pid: descriptor.process.pid, comm: descriptor.process.comm }, false);
    const next = new Map<string, Known>();
    const owners = [...counts].map(([key, owner]): Owner => {
      // Who comes later began with none.
      const before = this.#known.get(key) ?? {
        first: this.#begun ? 0 : owner.handles,
        last: this.#begun ? 0 : owner.handles,
        grown: 0,
      };
      const change = owner.handles - before.last;
      const grown = change > 0 ? before.grown + 1 : 0;
      next.set(key, { first: before.first, last: owner.handles, grown });
      return { ...owner, change, since_start: owner.handles - before.first, grown };
    });
    this.#known = next;
    this.#begun = true;
    return owners.sort((a, b) => b.handles - a.handles);
  }
}

export function growthText(owners: readonly Owner[], time: string, notes: readonly string[]): string {
  const lines = [...Map.groupBy(owners, ({ share }) => share)].flatMap(([share, of]) => [
    `${time}  ${printable(share)}: ${counted(sum(of, "handles"), "handle")}${changes(sum(of, "change"), sum(of, "since_start"))}`,
    ...of.slice(0, MAX_OWNERS).map(ownerLine),
    ...(of.length > MAX_OWNERS ? [`  and ${of.length - MAX_OWNERS} more`] : []),
  ]);
  if (lines.length === 0) lines.push(`${time}  no file is open`);
  return [...lines, ...notes.map((note) => `  (${printable(note)})`), ""].join("\n");
}

const sum = (owners: readonly Owner[], field: "handles" | "change" | "since_start"): number =>
  owners.reduce((all, owner) => all + owner[field], 0);

const signed = (value: number): string => (value > 0 ? `+${value}` : String(value));

const changes = (change: number, sinceStart: number): string =>
  change === 0 && sinceStart === 0
    ? ""
    : `, ${signed(change)} since the last look, ${signed(sinceStart)} since the first`;

function ownerLine({ pid, comm = "", handles, change, since_start, grown, leaked }: Owner): string {
  const who = pid === undefined ? "nobody" : `${printable(comm)} (${pid})`;
  const mark = grown >= GROWS ? `  ! more at each of ${grown} looks` : leaked > 0 ? `  ! ${leaked} leaked` : "";
  return `  ${String(handles).padStart(6)}  ${who}${changes(change, since_start)}${mark}`;
}
