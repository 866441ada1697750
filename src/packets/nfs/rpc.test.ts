import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { analyse, type Reports } from "../testing/analyse.ts";
import { capture, type Delivery, deliver, type FrameOptions } from "../testing/packets.ts";

const how: Delivery & FrameOptions = {
  seed: 1,
  size: 0,
  cuts: [1448],
  begun: true,
  order: [],
  repeat: [],
  lose: [],
  snap: 65_535,
  linkType: 1,
};

const words = (...list: readonly number[]): Buffer => Buffer.from(Uint32Array.from(list).buffer).swap32();

function opaque(bytes: Buffer): Buffer {
  return Buffer.concat([words(bytes.length), bytes, Buffer.alloc((4 - (bytes.length % 4)) % 4)]);
}

function record(...parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  return Buffer.concat([words((0x8000_0000 | body.length) >>> 0), body]);
}

const none = words(0, 0);
const gss = (service: number): Buffer => Buffer.concat([words(6), opaque(words(1, 0, 1, service, 0)), none]);
const sys = Buffer.concat([
  words(1),
  opaque(Buffer.concat([words(1), opaque(Buffer.from("orchard")), words(0, 0, 0)])),
  none,
]);

const call = (xid: number, program: number, version: number, procedure: number, ...rest: readonly Buffer[]): Buffer =>
  record(words(xid, 0, 2, program, version, procedure), ...rest);
const reply = (xid: number, ...rest: readonly Buffer[]): Buffer => record(words(xid, 1, 0), none, words(0), ...rest);
const handle = opaque(Buffer.alloc(16, 7));

function analysed(toServer: readonly Buffer[], toClient: readonly Buffer[]): Reports {
  return analyse(capture(deliver({ toServer, toClient, port: 2049, alone: true }, how), how));
}

function commands(reports: Reports): Record<string, readonly [number, number, number]> {
  return Object.fromEntries(
    reports.total.commands.map(({ name, requests, answered, errors }) => [name, [requests, answered, errors]]),
  );
}

describe("RPC", () => {
  it("tells version 3 by its procedures, and other programs by theirs", () => {
    const told = analysed(
      [
        call(1, 100003, 3, 6, sys, handle, words(0, 0, 4096)),
        call(2, 100003, 3, 3, sys, handle, opaque(Buffer.from("pear"))),
        call(3, 100005, 3, 1, sys, opaque(Buffer.from("/exports"))),
        call(4, 100227, 3, 1, sys, handle),
        call(5, 100003, 3, 0, none, none),
      ],
      [reply(1, words(0)), reply(2, words(2)), reply(3, words(13)), reply(4, words(0)), reply(5)],
    );
    assert.deepEqual(commands(told), {
      READ: [1, 1, 0],
      LOOKUP: [1, 1, 1],
      "MOUNT MNT": [1, 1, 1],
      "NFSACL GETACL": [1, 1, 0],
      NULL: [1, 1, 0],
    });
    assert.deepEqual(told.total.statuses, [
      { name: "LOOKUP", status: "NFS3ERR_NOENT", count: 1 },
      { name: "MOUNT MNT", status: "NFS3ERR_ACCES", count: 1 },
    ]);
    assert.deepEqual(told.connections[0]?.rpc?.machines, ["orchard"]);
  });

  it("names the operation of a compound that failed", () => {
    const compound = (xid: number): Buffer =>
      call(
        xid,
        100003,
        4,
        1,
        sys,
        words(0, 2, 3),
        words(53, 1, 2, 3, 4, 5, 6, 7, 8),
        words(22),
        handle,
        words(25, 1, 2, 3, 4, 0, 0, 9),
      );
    const told = analysed(
      [compound(1), compound(2), compound(3)],
      [reply(1, words(70, 0, 2)), reply(2, words(10_008, 0, 3)), reply(3, words(0, 0, 3))],
    );
    assert.deepEqual(commands(told), { READ: [3, 3, 2] });
    assert.deepEqual(told.total.statuses, [
      { name: "READ", status: "NFS4ERR_STALE at PUTFH", count: 1 },
      { name: "READ", status: "NFS4ERR_DELAY", count: 1 },
    ]);
    assert.deepEqual(told.connections[0]?.rpc?.programs, { "NFS 4.2": 3 });
  });

  it("counts what is sent again once, and tells what RPC itself refuses", () => {
    const read = (xid: number): Buffer => call(xid, 100003, 3, 6, sys, handle, words(0, 0, 4096));
    const told = analysed([read(1), read(1), read(2)], [record(words(2, 1, 1, 1, 5)), reply(9, words(0))]);
    assert.deepEqual(commands(told), { READ: [2, 1, 1] });
    const { rpc } = told.connections[0] ?? {};
    assert.equal(rpc?.retransmissions, 1);
    assert.equal(rpc?.unmatched_replies, 1);
    assert.equal(rpc?.unanswered.count, 1);
    assert.equal(rpc?.unanswered.oldest?.name, "READ");
    assert.deepEqual(told.total.statuses, [{ name: "READ", status: "AUTH_TOOWEAK", count: 1 }]);
  });

  it("reads signed calls, and of sealed ones what stands outside of the seal", () => {
    const told = analysed(
      [
        call(1, 100003, 4, 1, gss(2), words(99, 1), words(0, 1, 1, 24)),
        call(2, 100003, 4, 1, gss(3), opaque(Buffer.alloc(64, 0x5a))),
        call(3, 100003, 3, 6, gss(3), opaque(Buffer.alloc(64, 0x5a))),
      ],
      [
        reply(1, words(8, 1), words(70, 0, 1)),
        reply(2, opaque(Buffer.alloc(64, 1))),
        reply(3, opaque(Buffer.alloc(64, 1))),
      ],
    );
    assert.deepEqual(commands(told), { PUTROOTFH: [1, 1, 1], COMPOUND: [1, 1, 0], READ: [1, 1, 0] });
    assert.equal(told.connections[0]?.rpc?.sealed_calls, 2);
    assert.deepEqual(told.connections[0]?.rpc?.security, { "Kerberos with integrity": 1, "Kerberos with privacy": 2 });
  });

  it("puts records together that come in several fragments", () => {
    const whole = call(1, 100003, 3, 6, sys, handle, words(0, 0, 4096));
    const fragments = Buffer.concat([
      words(whole.length - 4 - 8),
      whole.subarray(4, -8),
      words(0x8000_0008),
      whole.subarray(-8),
    ]);
    assert.deepEqual(commands(analysed([fragments, call(2, 100003, 3, 6, sys, handle, words(0, 0, 1))], [])), {
      READ: [2, 0, 0],
    });
  });

  it("hears the server's calls on the client's connection", () => {
    const recall = call(
      7,
      0x4000_0000,
      1,
      1,
      none,
      none,
      words(0, 1, 0, 2),
      words(11, 1, 2, 3, 4, 5, 6, 7, 8, 0),
      words(4),
    );
    const told = analysed([reply(7, words(0, 0, 2))], [recall]);
    assert.deepEqual(commands(told), { "NFS CB_RECALL": [1, 0, 0] });
  });

  it("says of TLS that it is there, and nothing else", () => {
    const starttls = call(1, 100003, 4, 0, words(7, 0), none);
    const tls = Buffer.concat([Buffer.from("1603010200", "hex"), Buffer.alloc(512, 3)]);
    const told = analysed([starttls, tls], [record(words(1, 1, 0, 0), opaque(Buffer.from("STARTTLS")), words(0)), tls]);
    assert.equal(told.connections[0]?.rpc?.tls, true);
    assert.deepEqual([told.connections[0]?.malformed_messages, told.connections[0]?.lost_places], [0, 0]);
    assert.deepEqual(commands(told), { NULL: [1, 1, 0] });
  });
});
