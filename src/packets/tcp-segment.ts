// Where the TCP payload of a captured frame lies. Link types: https://www.tcpdump.org/linktypes.html.

export interface Segment {
  /** `ADDRESS.PORT`, in hexadecimal: a name, not for people. */
  readonly from: string;
  readonly to: string;
  readonly fromPort: number;
  readonly toPort: number;
  readonly sequence: number;
  /** Sequence number that the sender waits for; means something when `ack` is among the flags. */
  readonly acknowledged: number;
  readonly syn: boolean;
  /** As in the header: see `TcpFlag`. */
  readonly flags: number;
  /** Not scaled. */
  readonly window: number;
  /** Of IPv4, -1 for IPv6: a packet that is sent again has another one, a packet that was captured twice has the same. */
  readonly id: number;
  /** In the frame: where the payload begins, and how many bytes of it were captured. */
  readonly payloadAt: number;
  readonly captured: number;
  /** Bytes of payload on the wire. */
  readonly length: number;
  /** In the frame: of the TCP checksum. */
  readonly checksumAt: number;
}

/** `keep`: bytes of headers at the frame's beginning; absent with `segment`. Everything behind them is unknown. */
export interface Frame {
  readonly keep: number;
  /** Its headers end too early or contradict themselves. */
  readonly broken?: true;
  readonly segment?: Segment;
}

export const TcpFlag = { fin: 1, syn: 2, rst: 4, ack: 16 } as const;

const IPV4 = 0x0800;
const IPV6 = 0x86dd;
const VLAN = new Set([0x8100, 0x88a8]);
const TCP = 6;

/** `10.0.0.1`, port 445 of the name `0a000001.445`; IPv6 as RFC 5952 wants it. */
export function addressOf(name: string): { readonly address: string; readonly port: number } {
  const [hex = "", port = ""] = name.split(".");
  const bytes = Buffer.from(hex, "hex");
  if (bytes.length === 4) return { address: bytes.join("."), port: Number(port) };
  const groups = Array.from({ length: 8 }, (_, index) => bytes.readUInt16BE(2 * index).toString(16)).join(":");
  // The longest run of zeros, the first of several.
  const [longest] = [...groups.matchAll(/(?:^|:)0(?::0)+(?=:|$)/g)].sort((a, b) => b[0].length - a[0].length);
  if (longest === undefined) return { address: groups, port: Number(port) };
  const before = groups.slice(0, longest.index);
  const after = groups.slice(longest.index + longest[0].length).replace(/^:/, "");
  return { address: `${before}::${after}`, port: Number(port) };
}

/** Never throws, whatever the bytes are. */
export function parseFrame(frame: Buffer, linkType: number, originalLength: number): Frame {
  const link = linkHeader(frame, linkType);
  if (link === undefined) return { keep: 0 };
  const { at, type } = link;
  const version = (frame[at] ?? 0) >> 4;
  if (type === IPV4 && version === 4) return ipv4(frame, at, originalLength);
  if (type === IPV6 && version === 6) return ipv6(frame, at, originalLength);
  return { keep: Math.min(at, frame.length), ...(at > frame.length || type === IPV4 || type === IPV6 ? broken : {}) };
}

const broken = { broken: true } as const;

function linkHeader(frame: Buffer, linkType: number): { readonly at: number; readonly type: number } | undefined {
  const word = (at: number): number => (at + 2 <= frame.length ? frame.readUInt16BE(at) : -1);
  switch (linkType) {
    case 1: {
      // Ethernet, with VLAN tags.
      let at = 12;
      while (VLAN.has(word(at)) && at < 24) at += 4;
      return { at: at + 2, type: word(at) };
    }
    case 101:
    case 12:
      // Raw IP.
      return { at: 0, type: (frame[0] ?? 0) >> 4 === 6 ? IPV6 : IPV4 };
    case 113:
      // Linux "cooked": what `-i any` gives.
      return { at: 16, type: word(14) };
    case 276:
      return { at: 20, type: word(0) };
    default:
      return undefined;
  }
}

function ipv4(frame: Buffer, at: number, originalLength: number): Frame {
  const header = ((frame[at] ?? 0) & 15) * 4;
  const keep = Math.min(at + header, frame.length);
  if (header < 20 || at + header > frame.length) return { keep: Math.min(at, frame.length), ...broken };
  const fragment = frame.readUInt16BE(at + 6) & 0x3fff;
  if (frame[at + 9] !== TCP || fragment !== 0) return { keep };
  // 0: longer than the field can say, a packet that the network card cuts.
  const total = frame.readUInt16BE(at + 2) || originalLength - at;
  const addresses = [frame.toString("hex", at + 12, at + 16), frame.toString("hex", at + 16, at + 20)] as const;
  return tcp(frame, at + header, total - header, addresses, frame.readUInt16BE(at + 4));
}

function ipv6(frame: Buffer, at: number, originalLength: number): Frame {
  const header = 40;
  const keep = Math.min(at + header, frame.length);
  // Extension headers are unusual between a client and its server: what has some is not looked into.
  if (at + header > frame.length) return { keep, ...broken };
  if (frame[at + 6] !== TCP) return { keep };
  const length = frame.readUInt16BE(at + 4) || originalLength - at - header;
  const addresses = [frame.toString("hex", at + 8, at + 24), frame.toString("hex", at + 24, at + 40)] as const;
  return tcp(frame, at + header, length, addresses, -1);
}

function tcp(frame: Buffer, at: number, length: number, addresses: readonly [string, string], id: number): Frame {
  const header = ((frame[at + 12] ?? 0) >> 4) * 4;
  const end = at + header;
  if (header < 20 || header > length || end > frame.length) return { keep: Math.min(at, frame.length), ...broken };
  const [from, to] = addresses;
  const [fromPort, toPort] = [frame.readUInt16BE(at), frame.readUInt16BE(at + 2)];
  return {
    keep: end,
    segment: {
      from: `${from}.${fromPort}`,
      to: `${to}.${toPort}`,
      fromPort,
      toPort,
      sequence: frame.readUInt32BE(at + 4),
      acknowledged: frame.readUInt32BE(at + 8),
      syn: ((frame[at + 13] ?? 0) & TcpFlag.syn) !== 0,
      flags: frame[at + 13] ?? 0,
      window: frame.readUInt16BE(at + 14),
      id,
      payloadAt: end,
      captured: Math.max(0, Math.min(frame.length - end, length - header)),
      length: length - header,
      checksumAt: at + 16,
    },
  };
}
