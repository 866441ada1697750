import type { TcpSegment } from "./pcap.ts";

/** What one side of a connection sent, in order. */
export interface TcpStream {
  readonly from: string;
  readonly to: string;
  /** The connection's begin is in the capture. */
  readonly complete: boolean;
  readonly bytes: Buffer;
  /** Time of the segment that the byte at `offset` came with. */
  timeAt(offset: number): number;
  /** Bytes that are missing before later ones that are there; what follows the first gap is not in `bytes`. */
  readonly missing: number;
}

interface Open {
  readonly from: string;
  readonly to: string;
  readonly complete: boolean;
  /** Sequence number of the first byte. */
  readonly first: number;
  /** By position in the stream. */
  readonly pieces: { readonly at: number; readonly payload: Buffer; readonly time: number }[];
  /** Greatest position so far: sequence numbers are taken near to it, so they may wrap. */
  end: number;
}

/** Puts the segments of each direction of each connection in order. What was sent again counts once; a SYN begins a new connection. */
export function tcpStreams(segments: Iterable<TcpSegment>): TcpStream[] {
  const all: Open[] = [];
  const byName = new Map<string, Open>();
  for (const segment of segments) {
    const name = `${segment.from} ${segment.to}`;
    let open = byName.get(name);
    const first = (segment.sequence + (segment.syn ? 1 : 0)) >>> 0;
    const again = open?.complete === true && open.first === first;
    if (open === undefined || (segment.syn && !again)) {
      if (!segment.syn && segment.payload.length === 0) continue;
      open = { from: segment.from, to: segment.to, complete: segment.syn, first, pieces: [], end: 0 };
      byName.set(name, open);
      all.push(open);
    }
    if (segment.payload.length === 0) continue;
    const distance = (first - open.first - open.end) | 0;
    const at = open.end + distance;
    open.pieces.push({ at, payload: segment.payload, time: segment.time });
    open.end = Math.max(open.end, at + segment.payload.length);
  }
  return all.map(joined);
}

function joined(open: Open): TcpStream {
  const parts: Buffer[] = [];
  const times: { readonly at: number; readonly time: number }[] = [];
  let end = 0;
  let missing = 0;
  for (const { at, payload, time } of open.pieces.toSorted((left, right) => left.at - right.at)) {
    if (at > end) {
      missing = at - end;
      break;
    }
    if (at + payload.length <= end) continue;
    parts.push(payload.subarray(end - at));
    times.push({ at: end, time });
    end = at + payload.length;
  }
  const timeAt = (offset: number): number => {
    let low = 0;
    let high = times.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((times[middle]?.at ?? 0) <= offset) low = middle + 1;
      else high = middle;
    }
    return times[low - 1]?.time ?? Number.NaN;
  };
  return { from: open.from, to: open.to, complete: open.complete, bytes: Buffer.concat(parts), timeAt, missing };
}
