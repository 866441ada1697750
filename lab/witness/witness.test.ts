import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import fc from "fast-check";
import { type TcpSegment, tcpSegments } from "./pcap.ts";
import { nfsProgram, rpcWitness } from "./rpc.ts";
import { countSmb2, smb2Witness } from "./smb2.ts";
import { countCalls } from "./strace.ts";
import { tcpStreams } from "./tcp-stream.ts";

const sample = (name: string): Buffer =>
  readFileSync(new URL(`../../test/fixtures/captures/${name}.pcap`, import.meta.url));
const smb = sample("smb2");

/** A capture file of these segments, big-endian, with ns. */
function captureOf(segments: readonly TcpSegment[]): Buffer {
  const header = Buffer.alloc(24);
  header.writeUInt32BE(0xa1b23c4d, 0);
  header.writeUInt32BE(1, 20);
  return Buffer.concat([header, ...segments.map(packetOf)]);
}

function packetOf({ time, from, to, sequence, syn, payload }: TcpSegment): Buffer {
  const headers = Buffer.alloc(16 + 14 + 20 + 20);
  const length = headers.length - 16 + payload.length;
  headers.writeUInt32BE(Math.floor(time), 0);
  headers.writeUInt32BE(Math.round((time % 1) * 1e9), 4);
  headers.writeUInt32BE(length, 8);
  headers.writeUInt32BE(length, 12);
  headers.writeUInt16BE(0x0800, 16 + 12);
  const ip = headers.subarray(30, 50);
  ip.writeUInt8(0x45, 0);
  ip.writeUInt16BE(40 + payload.length, 2);
  ip.writeUInt8(6, 9);
  const tcp = headers.subarray(50);
  for (const [name, at] of [
    [from, 0],
    [to, 2],
  ] as const) {
    const [address = "", port = ""] = name.split(":");
    ip.set(address.split(".").map(Number), at === 0 ? 12 : 16);
    tcp.writeUInt16BE(Number(port), at);
  }
  tcp.writeUInt32BE(sequence, 4);
  tcp.writeUInt8(5 << 4, 12);
  tcp.writeUInt8(syn ? 2 : 16, 13);
  return Buffer.concat([headers, payload]);
}

const client = "127.0.0.1:40000";
const server = "127.0.0.1:445";

interface Header {
  readonly command: number;
  readonly messageId: bigint;
  /** Of a response. */
  readonly status?: number;
}

/** A frame with a chain of bare headers. */
function frame(...members: readonly Header[]): Buffer {
  const bytes = Buffer.alloc(4 + 64 * members.length);
  bytes.writeUInt32BE(bytes.length - 4, 0);
  for (const [n, { command, messageId, status }] of members.entries()) {
    const header = bytes.subarray(4 + 64 * n);
    header.write("\xfeSMB", 0, "latin1");
    header.writeUInt32LE(status ?? 0, 8);
    header.writeUInt16LE(command, 12);
    header.writeUInt32LE(status === undefined ? 0 : 1, 16);
    header.writeUInt32LE(n + 1 < members.length ? 64 : 0, 20);
    header.writeBigUInt64LE(messageId, 24);
  }
  return bytes;
}

/** A conversation, each frame in a packet of its own. */
function talk(...lines: readonly { readonly asks?: Buffer; readonly answers?: Buffer }[]): TcpSegment[] {
  // Near the end, so that the sequence numbers wrap.
  const next: Record<string, number> = { [client]: 0xffff_fff0, [server]: 100 };
  const say = (from: string, to: string, payload: Buffer, time: number, syn = false): TcpSegment => {
    const sequence = next[from] ?? 0;
    next[from] = (sequence + payload.length + (syn ? 1 : 0)) >>> 0;
    return { from, to, payload, time, syn, sequence };
  };
  const none = Buffer.alloc(0);
  return [
    say(client, server, none, 1, true),
    say(server, client, none, 1.1, true),
    ...lines.map(({ asks, answers }, n) =>
      asks !== undefined ? say(client, server, asks, 2 + n) : say(server, client, answers ?? none, 2 + n),
    ),
  ];
}

const success = 0;
const notFound = 0xc0000034;

describe("SMB2 in a capture", () => {
  it("a real one: requests, statuses, chains", () => {
    const seen = smb2Witness(smb);
    assert.deepEqual([seen.doubts, seen.notifications, seen.encrypted, seen.smb1], [[], [], 0, 0]);
    const counts = countSmb2(seen.exchanges);
    assert.deepEqual(
      [...(counts.get("SMB2_CREATE") ?? [])],
      [
        ["STATUS_SUCCESS", 20],
        ["STATUS_OBJECT_NAME_NOT_FOUND", 15],
      ],
    );
    assert.deepEqual([...(counts.get("SMB2_SET_INFO") ?? [])], [["STATUS_SUCCESS", 5]]);
    assert.equal(seen.exchanges.length, 109);
    assert.equal(seen.exchanges.filter(({ request }) => request.members > 1).length, 88);
    for (const { request, response } of seen.exchanges) assert.ok((response?.time ?? 0) > request.time);
  });

  it("an interim response is not the end, CANCEL has no response, a break asks for none", () => {
    const seen = smb2Witness(
      captureOf(
        talk(
          { asks: frame({ command: 15, messageId: 1n }) },
          { answers: frame({ command: 15, messageId: 1n, status: 0x103 }) },
          { asks: frame({ command: 12, messageId: 1n }) },
          { answers: frame({ command: 15, messageId: 1n, status: 0xc0000120 }) },
          { answers: frame({ command: 18, messageId: 0xffff_ffff_ffff_ffffn, status: success }) },
        ),
      ),
    );
    assert.deepEqual(seen.doubts, []);
    assert.deepEqual(
      seen.exchanges.map(({ command, interim, response }) => [command, interim, response?.status]),
      [
        ["SMB2_CHANGE_NOTIFY", true, 0xc0000120],
        ["SMB2_CANCEL", false, undefined],
      ],
    );
    assert.equal(seen.notifications.length, 1);
  });

  it("each member of a chain has its own status; two frames in a packet, a frame in two packets", () => {
    const chain = frame({ command: 5, messageId: 1n }, { command: 6, messageId: 2n });
    const answer = frame(
      { command: 5, messageId: 1n, status: notFound },
      { command: 6, messageId: 2n, status: notFound },
    );
    const echo = frame({ command: 13, messageId: 3n });
    const echoed = frame({ command: 13, messageId: 3n, status: success });
    const seen = smb2Witness(
      captureOf(
        talk(
          { asks: Buffer.concat([chain, echo.subarray(0, 30)]) },
          { asks: echo.subarray(30) },
          { answers: Buffer.concat([answer, echoed]) },
        ),
      ),
    );
    assert.deepEqual(seen.doubts, []);
    assert.deepEqual(
      seen.exchanges.map(({ command, request, response }) => [command, request.member, request.time, response?.status]),
      [
        ["SMB2_CREATE", 0, 2, notFound],
        ["SMB2_CLOSE", 1, 2, notFound],
        ["SMB2_ECHO", 0, 3, success],
      ],
    );
  });

  it("what is missing or does not fit is doubted", () => {
    const asks = frame({ command: 5, messageId: 1n });
    const lost = talk(
      { asks },
      { asks: frame({ command: 6, messageId: 2n }) },
      { asks: frame({ command: 6, messageId: 3n }) },
    );
    assert.match(smb2Witness(captureOf(lost.toSpliced(3, 1))).doubts.join(), /68 bytes are missing/);
    const answers = frame({ command: 5, messageId: 9n, status: success });
    assert.match(smb2Witness(captureOf(talk({ answers }))).doubts.join(), /without a request/);
    assert.match(smb2Witness(captureOf(talk({ asks: asks.subarray(0, 60) }))).doubts.join(), /no whole frame/);
    assert.throws(() => smb2Witness(smb.subarray(0, smb.length - 1)), /ends within a packet/);
    assert.throws(() => smb2Witness(Buffer.from("no capture")), /not a capture file/);
  });

  it("the order of segments and sending them again change nothing", () => {
    const segments = [...tcpSegments(smb)];
    const bytes = (list: readonly TcpSegment[]) =>
      tcpStreams(list).map(({ from, bytes, missing }) => [from, bytes.toString("hex"), missing]);
    const [begin, rest] = [segments.slice(0, 2), segments.slice(2)];
    const expected = bytes(segments);
    fc.assert(
      fc.property(fc.shuffledSubarray(rest, { minLength: rest.length }), fc.subarray(rest), (shuffled, again) => {
        assert.deepEqual(bytes([...begin, ...shuffled, ...again]), expected);
      }),
      { numRuns: 20 },
    );
  });
});

describe("RPC in a capture", () => {
  it("a real one: calls of NFS 4, each with its reply", () => {
    const { calls, doubts } = rpcWitness(sample("nfs-4.2"));
    assert.deepEqual(doubts, []);
    assert.equal(calls.length, 35);
    assert.ok(calls.every(({ program, version }) => program === nfsProgram && version === 4));
    assert.ok(calls.every(({ time, replyTime }) => (replyTime ?? 0) > time));
  });

  it("a call that is sent again, fragments, a reply to nothing", () => {
    const record = (last: boolean, ...words: readonly number[]): Buffer => {
      const bytes = Buffer.alloc(4 + words.length * 4);
      bytes.writeUInt32BE(words.length * 4 + (last ? 0x8000_0000 : 0), 0);
      for (const [n, word] of words.entries()) bytes.writeUInt32BE(word, 4 + n * 4);
      return bytes;
    };
    const asks = Buffer.concat([record(false, 7, 0, 2), record(true, nfsProgram, 3, 6, 0, 0)]);
    const { calls, doubts } = rpcWitness(
      captureOf(talk({ asks }, { asks }, { answers: record(true, 7, 1, 0) }, { answers: record(true, 8, 1, 0) })),
      445,
    );
    assert.deepEqual(
      calls.map(({ xid, procedure, transmissions, replyTime }) => [xid, procedure, transmissions, replyTime]),
      [[7, 6, 2, 4]],
    );
    assert.match(doubts.join(), /a reply without a call/);
  });
});

describe("strace", () => {
  it("calls below a directory, by descriptor or by name, finished later or not, failed or not", () => {
    const text = `12 mkdir("/mnt/share/a", 0777) = 0
12 openat(AT_FDCWD, "/mnt/share/missing", O_RDONLY) = -1 ENOENT (No such file or directory)
13 write(4</mnt/share/x>, "text", 4 <unfinished ...>
12 write(5</tmp/x>, "/mnt/share", 10) = 10
13 <... write resumed>)              = 4
12 write(1</mnt/shared>, "x", 1) = 1
12 stat("/mnt/share", {...}) = 0
12 +++ exited with 0 +++
`;
    const counts = countCalls(text, "/mnt/share");
    assert.deepEqual(
      [...counts].map(([name, { calls, errors }]) => [name, calls, [...errors]]),
      [
        ["mkdir", 1, []],
        ["openat", 1, [["ENOENT", 1]]],
        ["write", 1, []],
        ["stat", 1, []],
      ],
    );
  });
});
