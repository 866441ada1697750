// One line of `trace-cmd report`, of tracefs' trace or trace_pipe.

export interface TraceEvent {
  /** s, as the trace has it: its clock is the recorder's choice. */
  readonly time: number;
  readonly comm: string;
  readonly pid: number;
  readonly cpu: number;
  readonly name: string;
  /** What the event's print format makes of its fields. */
  readonly text: string;
}

export type TraceLine =
  | { readonly kind: "event"; readonly event: TraceEvent }
  /** Events that a ring buffer overwrote or dropped; 0: some, the trace does not know how many. */
  | { readonly kind: "lost"; readonly count: number; readonly cpu?: number }
  /** Comments, headings, empty lines. */
  | { readonly kind: "none" }
  | { readonly kind: "unknown"; readonly text: string };

const none: TraceLine = { kind: "none" };

// `          bash-1       (  1) [001] d..1.    39.645676: smb3_enter: ...`: the thread group and the flags are options. A task's name may hold anything.
const EVENT =
  /^(.*)-(\d+)\s+(?:\(\s*[\d-]+\)\s+)?\[(\d+)\]\s+(?:[^\s:\d][^\s:]*\s+|\d\S{3,6}\s+)?(\d+\.\d+):\s+(?:[\w-]+:)?([\w.-]+):\s*(.*)$/;
// trace_pipe: `CPU:1 [LOST 1234 EVENTS]`; trace-cmd: `CPU:1 [1234 EVENTS DROPPED]`, without a number by an old one.
const LOST = /^\s*CPU:(\d+) \[(?:LOST (\d+) EVENTS|(?:(\d+) )?EVENTS DROPPED)\]/;
const HEADING = /^\s*(?:#.*|cpus=\d+|version = .*|CPU \d+ is empty|trace-cmd: .*|)$/;

export function parseTraceLine(line: string): TraceLine {
  const [, comm, pid, cpu, time, name, text] = EVENT.exec(line) ?? [];
  if (comm !== undefined && name !== undefined && text !== undefined) {
    return {
      kind: "event",
      event: {
        time: Number(time),
        comm: comm.trimStart(),
        pid: Number(pid),
        cpu: Number(cpu),
        name,
        text: text.trimEnd(),
      },
    };
  }
  const [, lostCpu, piped, dropped] = LOST.exec(line) ?? [];
  if (lostCpu !== undefined) return { kind: "lost", count: Number(piped ?? dropped ?? 0), cpu: Number(lostCpu) };
  return HEADING.test(line) ? none : { kind: "unknown", text: line };
}

/** `xid=229 sid=0x8c2843d tid=0x80efadf path=\a b cr_opts=0x40`: a value goes to the next ` word=`, since names of files have blanks. */
export function fieldsOf(text: string): ReadonlyMap<string, string> {
  const fields = new Map<string, string>();
  for (const [, key, value] of text.matchAll(/(?:^|\s)(\w+)=(.*?)(?=\s\w+=|$)/g)) {
    if (key !== undefined && value !== undefined && !fields.has(key))
      fields.set(key, value.trimEnd().replace(/,$/, ""));
  }
  return fields;
}

export function numberIn(fields: ReadonlyMap<string, string>, key: string): number | undefined {
  const text = /^-?(?:0x[0-9a-f]+|\d+)/i.exec(fields.get(key) ?? "")?.[0];
  return text === undefined ? undefined : Number(text);
}

/** `cifs_open` of `cifs_open: xid=233` */
export function functionOf(text: string): string | undefined {
  return /^([\w.]+): /.exec(text)?.[1];
}
