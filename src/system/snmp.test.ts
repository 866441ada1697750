import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { parseTcpCounters } from "./snmp.ts";

const text = `Ip: Forwarding DefaultTTL
Ip: 1 64
Tcp: RtoAlgorithm RtoMin RtoMax MaxConn ActiveOpens PassiveOpens AttemptFails EstabResets CurrEstab InSegs OutSegs RetransSegs InErrs OutRsts InCsumErrors
Tcp: 1 200 120000 -1 631 8 2 1 0 102316 53419 3 0 599 0
Udp: InDatagrams
Udp: 7
`;

test("the counters of TCP go by their names", () => {
  const counters = parseTcpCounters(text);
  assert.deepEqual([counters.get("OutSegs"), counters.get("RetransSegs"), counters.get("EstabResets")], [53419, 3, 1]);
});

test("none, cut off, or nonsense", () => {
  assert.equal(parseTcpCounters("").size, 0);
  assert.equal(parseTcpCounters("Tcp: OutSegs\n").size, 0);
  fc.assert(fc.property(fc.string(), (any) => void parseTcpCounters(any)));
});
