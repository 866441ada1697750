import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { AodError, messageOf } from "../system/error.ts";
import { type PcapFormat, readFormat } from "./pcap.ts";
import { PcapngReader, SECTION } from "./pcapng.ts";

export interface CapturedPacket {
  /** Since the epoch; NaN when the file does not say. */
  readonly timeUs: number;
  /** Bytes that it had on the wire. */
  readonly originalLength: number;
  readonly linkType: number;
  /** Valid until the next packet is asked for. */
  readonly data: Buffer;
}

const PIECE = 1024 * 1024;
/** No packet and no block of a sane file is larger. */
const MAX_BLOCK = 16 * 1024 * 1024;
/** What a packet header may say; the offload of a network card makes packets of 256 KiB. */
const MAX_PACKET = 1024 * 1024;

/** A capture that is read from its beginning to its end, in pieces: a file of any size needs the same memory. */
export class CaptureFile {
  readonly path: string;
  readonly format: "pcap" | "pcapng";
  /** Why the file ended before its end; undefined until then, and for a whole file. */
  cut: string | undefined;
  packets = 0;
  readonly #fd: number;
  readonly #pcap: PcapFormat | undefined;
  readonly #pcapng = new PcapngReader();
  #buffer = Buffer.allocUnsafe(PIECE);
  /** What is unread of the buffer. */
  #from = 0;
  #to = 0;
  /** Of the buffer's first byte, in the file. */
  #base = 0;

  constructor(path: string) {
    this.path = path;
    this.#fd = open(path);
    try {
      this.#fill(24);
      const head = this.#buffer.subarray(0, this.#to);
      this.#pcap = readFormat(head);
      if (this.#pcap === undefined && !isPcapng(head)) throw new AodError("usage", foreign(path, head));
      this.format = this.#pcap === undefined ? "pcapng" : "pcap";
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** Packets that the capturing program itself says it lost. */
  get dropped(): number {
    return this.#pcapng.dropped;
  }

  /** Blocks of a pcapng that are not what they should be. */
  get malformed(): number {
    return this.#pcapng.malformed;
  }

  *read(): Generator<CapturedPacket> {
    const packets = this.#pcap === undefined ? this.#blocks() : this.#records(this.#pcap);
    for (const packet of packets) {
      this.packets += 1;
      yield packet;
    }
  }

  close(): void {
    closeSync(this.#fd);
  }

  *#records({ littleEndian, perSecond, linkType }: PcapFormat): Generator<CapturedPacket> {
    const header = 16;
    const usPerFraction = 1e6 / perSecond;
    this.#from = 24;
    while (this.#fill(header)) {
      const at = this.#from;
      const read = (place: number): number =>
        littleEndian ? this.#buffer.readUInt32LE(place) : this.#buffer.readUInt32BE(place);
      const [seconds, fraction, length, originalLength] = [read(at), read(at + 4), read(at + 8), read(at + 12)];
      if (length > MAX_PACKET) {
        this.#end(`packet ${this.packets + 1} says that it has ${length} bytes`);
        return;
      }
      if (!this.#fill(header + length)) break;
      const start = this.#from + header;
      this.#from = start + length;
      const data = this.#buffer.subarray(start, start + length);
      yield { timeUs: seconds * 1e6 + fraction * usPerFraction, originalLength, linkType, data };
    }
    if (this.#from < this.#to) this.#end(`within packet ${this.packets + 1}`);
  }

  *#blocks(): Generator<CapturedPacket> {
    while (this.#fill(12)) {
      const size = this.#pcapng.blockSize(this.#buffer.subarray(0, this.#to), this.#from) ?? 0;
      if (size === 0 || size > MAX_BLOCK) {
        this.#end(`what follows packet ${this.packets} is no block of a pcapng`);
        return;
      }
      if (!this.#fill(size)) break;
      const block = this.#buffer.subarray(this.#from, this.#from + size);
      this.#from += size;
      const packet = this.#pcapng.block(block);
      if (packet !== undefined) yield packet;
    }
    if (this.#from < this.#to) this.#end(`within the block behind packet ${this.packets}`);
  }

  #end(why: string): void {
    this.cut = `at byte ${this.#base + this.#from}: ${why}`;
  }

  /** Whether so many unread bytes are in the buffer; reads on when they are not. */
  #fill(count: number): boolean {
    if (this.#to - this.#from >= count) return true;
    if (this.#from > 0) {
      this.#buffer.copyWithin(0, this.#from, this.#to);
      this.#base += this.#from;
      this.#to -= this.#from;
      this.#from = 0;
    }
    if (count > this.#buffer.length) {
      const larger = Buffer.allocUnsafe(Math.ceil(count / PIECE) * PIECE);
      this.#buffer.copy(larger, 0, 0, this.#to);
      this.#buffer = larger;
    }
    while (this.#to < count) {
      const got = readSync(this.#fd, this.#buffer, this.#to, this.#buffer.length - this.#to, null);
      if (got === 0) return false;
      this.#to += got;
    }
    return true;
  }
}

function open(path: string): number {
  let fd: number;
  try {
    fd = openSync(path, "r");
  } catch (error) {
    throw new AodError("usage", `${path} cannot be read: ${messageOf(error)}`, { cause: error });
  }
  if (!fstatSync(fd).isDirectory()) return fd;
  closeSync(fd);
  throw new AodError("usage", `${path} is a directory: name a pcap or pcapng file`);
}

const isPcapng = (head: Buffer): boolean => head.length >= 12 && head.readUInt32BE(0) === SECTION;

const known: readonly (readonly [beginning: string, what: string])[] = [
  ["\x1f\x8b", "is compressed: gunzip it first"],
  [
    "\x28\xb5\x2f\xfd",
    "is compressed: unzstd it first; of a bundle, take packets.pcap out: aod bundle show BUNDLE --item NAME",
  ],
  ["\xfd7zXZ", "is compressed: unxz it first"],
  ["snoop\0", "is a capture of snoop: convert it with editcap"],
  ["\x17\x08\x44tracing", "holds trace events, no packets"],
  ["\x34\xcd\xb2\xa1", "is a pcap in a form that only old patched systems write: convert it with editcap"],
];

function foreign(path: string, head: Buffer): string {
  if (head.length === 0) return `${path} is empty: expected a pcap or pcapng file`;
  if (readsAsBeginning(head)) return `${path} is cut off within its header: expected a pcap or pcapng file`;
  const text = head.toString("latin1");
  const [, what] = known.find(([beginning]) => text.startsWith(beginning)) ?? [];
  return `${path} ${what ?? "is no capture: expected a pcap or pcapng file, as tcpdump, tshark and Wireshark write them"}`;
}

/** The magic is there, the rest of the header is not. */
function readsAsBeginning(head: Buffer): boolean {
  const whole = Buffer.alloc(24);
  head.copy(whole);
  return head.length < 24 && head.length >= 4 && (readFormat(whole) !== undefined || whole.readUInt32BE(0) === SECTION);
}
