// trace-cmd.dat(5), version 6: what `trace-cmd report` and KernelShark read.

export interface EventFormat {
  readonly system: string;
  /** Content of events/SYSTEM/NAME/format. */
  readonly format: string;
}

/** One processor's pages, oldest first, each as trace_pipe_raw gave it. */
export type CpuPages = readonly Buffer[];

export interface TraceHead {
  readonly pageSize: number;
  /** events/header_page, events/header_event */
  readonly headerPage: string;
  readonly headerEvent: string;
  readonly events: readonly EventFormat[];
  /** saved_cmdlines: names of tasks */
  readonly commands: string;
  /** Content of trace_clock: the one in use stands in brackets. */
  readonly clock: string;
}

export interface TraceData extends TraceHead {
  /** One for each processor. */
  readonly cpus: readonly CpuPages[];
}

const MAGIC = Buffer.from([0x17, 0x08, 0x44]);
const OPTION_TRACECLOCK = 4;
const OPTION_DONE = 0;

/**
 * The file in pieces. No addresses of the kernel go into it (the file has a place for its symbols): functions that an event names by their address
 * stay numbers.
 */
export function* traceDat(data: TraceData): Generator<Buffer> {
  yield traceDatHead(
    data,
    data.cpus.map(({ length }) => length),
  );
  for (const page of data.cpus.flat()) yield page;
}

/** What stands before the pages of the first processor; those of the others follow, each processor's in one piece. */
export function traceDatHead(data: TraceHead, pageCounts: readonly number[]): Buffer {
  const head = [
    MAGIC,
    Buffer.from("tracing6\0"),
    // Little-endian; a long has eight bytes.
    Buffer.from([0, 8]),
    u32(data.pageSize),
    Buffer.from("header_page\0"),
    sized(data.headerPage),
    Buffer.from("header_event\0"),
    sized(data.headerEvent),
    // Events of ftrace itself: none is recorded.
    u32(0),
    ...systemsOf(data.events),
    // Symbols, then formats of trace_printk().
    u32(0),
    u32(0),
    sized(data.commands),
    u32(pageCounts.length),
    Buffer.from("options  \0"),
    option(OPTION_TRACECLOCK, Buffer.from(data.clock)),
    u16(OPTION_DONE),
    Buffer.from("flyrecord\0"),
  ];
  const headBytes = head.reduce((sum, piece) => sum + piece.length, 0);
  const align = (size: number): number => Math.ceil(size / data.pageSize) * data.pageSize;
  const first = align(headBytes + 16 * pageCounts.length);
  let at = first;
  const table = pageCounts.map((pages) => {
    const size = pages * data.pageSize;
    const entry = Buffer.concat([u64(size === 0 ? 0 : at), u64(size)]);
    at += size;
    return entry;
  });
  const whole = Buffer.concat([...head, ...table]);
  return Buffer.concat([whole, Buffer.alloc(first - whole.length)]);
}

function* systemsOf(events: readonly EventFormat[]): Generator<Buffer> {
  const systems = Map.groupBy(events, ({ system }) => system);
  yield u32(systems.size);
  for (const [system, formats] of systems) {
    yield Buffer.from(`${system}\0`);
    yield u32(formats.length);
    for (const { format } of formats) yield sized(format);
  }
}

function option(id: number, content: Buffer): Buffer {
  return Buffer.concat([u16(id), u32(content.length), content]);
}

function sized(text: string): Buffer {
  const content = Buffer.from(text);
  return Buffer.concat([u64(content.length), content]);
}

function u16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16LE(value);
  return bytes;
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

function u64(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
}
