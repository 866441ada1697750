import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Counts, OpenRequests, Outstanding, StatusCounts } from "./exchanges.ts";
import { Latency } from "./latency.ts";
import { timeText } from "./report.ts";
import { readNtlm, versionText } from "./smb/ntlmssp.ts";
import { addressOf } from "./tcp-segment.ts";

describe("addresses", () => {
  it("are written as people write them", () => {
    const six = (groups: string): string =>
      `${groups
        .split(":")
        .map((group) => group.padStart(4, "0"))
        .join("")}.445`;
    for (const [name, address] of [
      ["0a000001.445", "10.0.0.1"],
      [six("2001:db8:0:0:0:0:0:1"), "2001:db8::1"],
      [six("0:0:0:0:0:0:0:1"), "::1"],
      [six("0:0:0:0:0:0:0:0"), "::"],
      [six("fe80:0:0:0:1:0:0:2"), "fe80::1:0:0:2"],
      [six("1:0:0:2:0:0:0:3"), "1:0:0:2::3"],
      [six("1:0:2:3:4:5:6:7"), "1:0:2:3:4:5:6:7"],
      [six("1:2:3:4:5:6:0:0"), "1:2:3:4:5:6::"],
    ] as const) {
      assert.deepEqual(addressOf(name), { address, port: 445 });
    }
  });
});

describe("latencies", () => {
  it("have exact means and maxima, and percentiles within 3 %, also when they are added up", () => {
    const [one, two] = [new Latency(), new Latency()];
    for (let us = 1; us <= 10_000; us++) (us % 2 === 0 ? one : two).add(us);
    one.merge(two);
    assert.equal(one.count, 10_000);
    assert.equal(one.meanUs, 5000.5);
    assert.equal(one.maxUs, 10_000);
    for (const share of [0.5, 0.9, 0.99]) {
      assert.ok(
        Math.abs(one.percentileUs(share) / (share * 10_000) - 1) < 0.03,
        `${share}: ${one.percentileUs(share)}`,
      );
    }
    const none = new Latency();
    none.add(-5);
    assert.deepEqual([none.count, none.maxUs, none.percentileUs(0.5)], [1, 0, 0]);
  });
});

describe("what a capture can make grow", () => {
  it("is bounded, and what falls off is counted", () => {
    const shared = new OpenRequests(10);
    const [one, two] = [new Outstanding<number>(shared), new Outstanding<number>(shared)];
    for (let id = 0; id < 8; id++) one.add(id, id);
    for (let id = 0; id < 8; id++) two.add(id, id);
    assert.deepEqual([one.size, two.size, one.forgotten, two.forgotten], [8, 2, 0, 6]);
    assert.equal(two.take(7), 7);
    one.add(8, 8);
    assert.equal(one.forgotten, 0);
    const counts = new Counts(() => ({ count: 0 }), 2);
    for (const name of ["a", "b", "c", "d"]) counts.of(name).count += 1;
    assert.deepEqual(
      [...counts.entries()].map(([name, { count }]) => [name, count]),
      [
        ["a", 1],
        ["b", 1],
        ["(others)", 2],
      ],
    );
    const statuses = new StatusCounts(2);
    for (const name of ["a", "b", "c", "c"]) statuses.add(name, "X");
    assert.deepEqual(
      statuses.list().map(({ name, count }) => [name, count]),
      [
        ["(others)", 2],
        ["a", 1],
        ["b", 1],
      ],
    );
  });
});

describe("NTLMSSP", () => {
  it("tells kernels, Samba and Windows apart", () => {
    assert.equal(versionText({ major: 6, minor: 5, build: 44 }, "client"), "Linux 6.5, cifs module 2.44");
    assert.equal(versionText({ major: 10, minor: 0, build: 20348 }, "server"), "Windows 10.0 build 20348");
    assert.equal(versionText({ major: 10, minor: 0, build: 20348 }, "client"), "Windows 10.0 build 20348");
    assert.equal(versionText({ major: 6, minor: 1, build: 0 }, "server"), "6.1 build 0 (as Samba says)");
  });

  it("is read bare and within SPNEGO, cut off anywhere", () => {
    const message = Buffer.alloc(120);
    message.write("NTLMSSP\0", 0, "latin1");
    message.writeUInt32LE(3, 8);
    message.writeUInt32LE(0x0200_0001, 60);
    message.writeUInt16LE(12, 36);
    message.writeUInt32LE(88, 40);
    Buffer.from([6, 5, 44, 0]).copy(message, 64);
    message.write("gärtne", 88, "utf16le");
    const expected = {
      type: "authenticate",
      version: { major: 6, minor: 5, build: 44 },
      user: "gärtne",
      anonymous: false,
    };
    assert.deepEqual(readNtlm(message), expected);
    assert.deepEqual(readNtlm(Buffer.concat([Buffer.from("a1820123", "hex"), message])), expected);
    for (let size = 0; size < message.length; size++) readNtlm(message.subarray(0, size));
    assert.equal(readNtlm(Buffer.alloc(0)), undefined);
  });
});

describe("times", () => {
  it("are those of the capture to the microsecond, whatever it says", () => {
    assert.equal(timeText(1_763_816_711_123_456), "2025-11-22T13:05:11.123456Z");
    assert.equal(timeText(0), "1970-01-01T00:00:00.000000Z");
    for (const us of [-1, 1e30, -1e30]) assert.match(timeText(us), /Z$/);
  });
});
