import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { describe, it } from "node:test";
import fc from "fast-check";
import { parseDebugData } from "./debug-data.ts";

const root = new URL("../../test/fixtures/proc/", import.meta.url);
const paths = globSync("**/DebugData*", { cwd: root }).sort();

function sample(path: string): string {
  return readFileSync(new URL(path, root), "utf8");
}

describe("DebugData of a real kernel", () => {
  for (const path of paths) {
    it(`${path} is understood to the last line`, () => {
      const data = parseDebugData(sample(path));
      assert.deepEqual(data.unknown, []);
      assert.equal(data.cut, false);
      assert.ok(data.servers.length > 0);
    });
  }

  it("6.12 after a reconnect, with two channels", () => {
    const { servers, version } = parseDebugData(sample("6.12/DebugData_reconn"));
    assert.equal(version, "2.51");
    const [server] = servers;
    assert.equal(server?.hostname, "127.0.0.1");
    assert.deepEqual([server.connectionId, server.tcpStatus, server.instance, server.dialect], [1n, 1, 2, 0x311]);
    assert.deepEqual(server.credits, [483, 1, 1]);
    const [first, second] = server.sessions;
    assert.deepEqual(
      first?.channels.map((channel) => [channel.connectionId, channel.tcpStatus]),
      [[4n, 1]],
    );
    assert.deepEqual(
      first?.shares.map((share) => [share.name, share.treeId, share.encrypted]),
      [
        ["\\\\127.0.0.1\\IPC$", 0x5a56_a124, true],
        ["\\\\127.0.0.1\\enc", 0xb0c3_7941, true],
      ],
    );
    assert.equal(second?.sessionId, 0xdf86_54e9n);
    assert.deepEqual(second.channels, []);
  });

  it("6.12 while the server is away", () => {
    const [server] = parseDebugData(sample("6.12/DebugData_down")).servers;
    assert.equal(server?.tcpStatus, 3);
    assert.deepEqual(
      server.sessions.map((session) => [session.status, session.disconnected]),
      [
        [3, true],
        [3, true],
      ],
    );
    assert.ok(
      server.sessions.every((session) => session.shares.every((share) => share.disconnected && share.status === 3)),
    );
  });

  it("6.1 and 6.12 with hung requests", () => {
    const old = parseDebugData(sample("6.1/hang/DebugData_hung"));
    assert.deepEqual(
      old.servers.map((server) => server.credits),
      [[426], [1_038]],
    );
    assert.equal(old.mids.length, 8);
    const { mids } = parseDebugData(sample("6.12/hang/DebugData_hung"));
    assert.deepEqual(mids[0], { connectionId: 2n, state: 2, command: 5, pid: 322, mid: 36n });
    assert.deepEqual(mids.at(-1), { connectionId: 1n, state: 2, command: 5, pid: 324, mid: 435n });
  });
});

describe("DebugData in general", () => {
  it("lines that nobody knows are kept, and what comes after them is read", () => {
    const text = sample("6.12/DebugData").replace("In Send: 0", "Quantum: 7\nIn Send: 0");
    const data = parseDebugData(text);
    assert.deepEqual(data.unknown, ["Quantum: 7"]);
    assert.equal(data.servers[0]?.inSend, 0);
  });

  it("a line that stands where it makes no sense is kept too", () => {
    assert.deepEqual(parseDebugData("\ttid: 0x5\n").unknown, ["tid: 0x5"]);
  });

  it("5.10, which has no line of its own for a server", () => {
    const text =
      "Servers:\nNumber of credits: 510 Dialect 0x311\n1) Name: 127.0.0.1 Uses: 1 Capability: 0x300047\tSession Status: 1\t" +
      "Security type: RawNTLMSSP\nTCP status: 1 Instance: 1\n\tLocal Users To Server: 1 SecMode: 0x1 Req On Wire: 0 " +
      "In Send: 0 In MaxReq Wait: 0 SessionId: 0x99\n\tShares:\n\t1) \\\\127.0.0.1\\share Mounts: 1 DevInfo: 0x20\n" +
      "\tPathComponentMax: 255 Status: 1 type: DISK \n\tShare Capabilities: None\n\ttid: 0x7\tMaximal Access: 0x1f01ff\n";
    const data = parseDebugData(text);
    assert.deepEqual(data.unknown, []);
    assert.equal(data.servers[0]?.tcpStatus, 1);
    const session = data.servers[0]?.sessions[0];
    assert.equal(session?.address, "127.0.0.1");
    assert.equal(session.sessionId, 0x99n);
    assert.deepEqual(
      session.shares.map((share) => [share.name, share.treeId]),
      [["\\\\127.0.0.1\\share", 7]],
    );
  });

  it("a text that was cut anywhere never throws, and the cut line is not believed", () => {
    for (const path of ["6.12/DebugData_reconn", "6.1/hang/DebugData_hung"]) {
      const text = sample(path);
      for (let length = 0; length < text.length; length++) {
        const data = parseDebugData(text.slice(0, length));
        assert.equal(data.cut, length > 0 && text[length - 1] !== "\n");
      }
    }
  });

  it("no text throws", () => {
    const line = fc.oneof(fc.string(), fc.constantFrom(...sample("6.12/hang/DebugData_hung").split("\n")));
    fc.assert(fc.property(fc.array(line), (lines) => void parseDebugData(lines.join("\n"))));
  });
});
