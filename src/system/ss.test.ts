import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import fc from "fast-check";
import { parseSs } from "./ss.ts";

const text = readFileSync(new URL("../../test/fixtures/ss/iproute2-6.1.txt", import.meta.url), "utf8");

describe("ss of iproute2 6.1", () => {
  it("a connection that is being sent over", () => {
    const { sockets, unknown } = parseSs(text);
    assert.equal(unknown, 0);
    assert.deepEqual(sockets[0], {
      state: "ESTAB",
      receiveQueue: 0,
      sendQueue: 3877753,
      local: { address: "127.0.0.1", port: 36490 },
      remote: { address: "127.0.0.1", port: 48453 },
      timer: { name: "on", count: 0 },
      rttMs: 0.074,
      rttVarianceMs: 0.036,
      minRttMs: 0.051,
      rtoMs: 204,
      unacked: 3,
      notSent: 3782521,
      retransmits: 1,
      segmentsOut: 7,
      segmentsIn: 2,
      bytesAcked: 32742,
      lastSendMs: 16,
      lastReceiveMs: 24,
      lastAckMs: 24,
      windowLimitedMs: 24,
      sendWindow: 95232,
    });
  });

  it("one whose peer has closed its window", () => {
    const [, socket] = parseSs(text).sockets;
    assert.deepEqual([socket?.remote.address, socket?.timer?.name], ["::1", "persist"]);
    assert.ok((socket?.windowLimitedMs ?? 0) > 1000);
  });

  it("IPv4 in IPv6 is IPv4", () => {
    const { sockets } = parseSs("ESTAB 0 0 [::ffff:10.0.0.1]:50000 [::ffff:10.0.0.2]:445\n");
    assert.deepEqual(sockets[0]?.remote, { address: "10.0.0.2", port: 445 });
  });

  it("without its second line, and with what a newer ss prints", () => {
    const { sockets, unknown } = parseSs(
      "ESTAB 0 0 10.0.0.1:50000 10.0.0.2:445\nESTAB 1 2 a:1 b:2 x\n\t new:1 rtt:2.5\n???\n",
    );
    assert.deepEqual(
      sockets.map(({ rttMs }) => rttMs),
      [undefined, 2.5],
    );
    assert.equal(unknown, 1);
  });

  it("no text makes it throw, and no line is lost", () => {
    fc.assert(fc.property(fc.string(), (any) => void parseSs(any)));
    const line = fc.constantFrom("ESTAB 0 0 1.1.1.1:1 2.2.2.2:445", "nonsense", "SYN-SENT 0 1 1.1.1.1:1 2.2.2.2:2049");
    fc.assert(
      fc.property(fc.array(line), (lines) => {
        const { sockets, unknown } = parseSs(lines.join("\n"));
        assert.equal(sockets.length + unknown, lines.length);
      }),
    );
  });
});
