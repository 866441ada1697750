import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { parseDebugData } from "./debug-data.ts";
import { debugDataOf, forms } from "./debug-data-fixture.ts";
import { printDebugData } from "./debug-data-print-fixture.ts";

describe("DebugData of every form", () => {
  for (const form of forms) {
    it(`${form}: what is printed is read back`, () => {
      fc.assert(
        fc.property(debugDataOf(form), (data) => {
          const text = printDebugData(form, data);
          const read = parseDebugData(text);
          // Requests of 5.10 hang on its first connection, which shows them under its sessions.
          assert.deepEqual(read, data, text);
        }),
        { numRuns: 60 },
      );
    });

    it(`${form}: lines and words that a later kernel adds change nothing else`, () => {
      const grown = fc.tuple(debugDataOf(form), fc.nat(), fc.stringMatching(/^[a-z]{3,8} frobs: [0-9]{1,4}$/));
      fc.assert(
        fc.property(grown, ([data, place, line]) => {
          const lines = printDebugData(form, data).split("\n");
          const at = 6 + (place % Math.max(1, lines.length - 6));
          lines.splice(at, 0, `\t${line}`);
          const read = parseDebugData(`${lines.join("\n")}\n`);
          assert.deepEqual(read, { ...data, unknown: [line] });
        }),
        { numRuns: 60 },
      );
    });
  }
});

const smbDirect = (text: string): string =>
  `Servers: \n1) ConnectionId: 0x1 Hostname: files ${text}\nNumber of credits: 1,1,1 Dialect 0x311\nRDMA \nTCP status: 1 Instance: 1\n`;

describe("DebugData where no kernel at hand shows it", () => {
  it("SMB Direct before 7.2: hexadecimal without a mark", () => {
    const data = parseDebugData(
      smbDirect(
        "\nSMBDirect (in hex) protocol version: 100 transport status: 2\nConn receive_credit_max: ff send_credit_target: ff max_send_size: 554" +
          "\nConn max_fragmented_recv_size: 100000 max_fragmented_send_size: 20000 max_receive_size:554\nPending send_pending: 0 " +
          "\nMR mr_ready_count: 100 mr_used_count: 0",
      ),
    );
    assert.deepEqual(data.unknown, []);
    const [server] = data.servers;
    assert.equal(server?.rdma, true);
    assert.equal(server.smbDirect?.["transport status"], "2");
    assert.equal(server.smbDirect?.max_receive_size, "554");
    assert.equal(server.smbDirect?.mr_ready_count, "100");
  });

  it("SMB Direct of 7.2: marked, with a name; and without a transport", () => {
    const data = parseDebugData(smbDirect("\nSMBDirect protocol version: 0x100 transport status: CONNECTED (7)"));
    assert.deepEqual(
      { ...data.servers[0]?.smbDirect },
      { "protocol version": "0x100", "transport status": "CONNECTED (7)" },
    );
    const without = parseDebugData(smbDirect("\nSMBDirect transport not available"));
    assert.equal(without.servers[0]?.smbDirect?.transport, "SMBDirect transport not available");
  });

  it("5.10 tells of SMB Direct before the connection that has it", () => {
    const text =
      "Servers:\nNumber of credits: 5 Dialect 0x311\nSMBDirect (in hex) protocol version: 100 transport status: 2\nNumber of credits: 7 Dialect 0x311\n";
    const { servers, unknown } = parseDebugData(text);
    assert.deepEqual(unknown, []);
    assert.deepEqual(
      servers.map(({ credits, smbDirect }) => [credits, smbDirect !== undefined]),
      [
        [[5], false],
        [[7], true],
      ],
    );
  });

  it("registrations of the witness client", () => {
    const text =
      "Servers: \n\t[NONE]\nWitness registrations:\nId: 1 Refs: 2 Network name: 'fs.example'(y) Share name: 'data'(n) Ip address: 10.0.0.9(y)" +
      "\nId: 2 Refs: 1 Network name: 'o'brien'(n) Share name: 'x'(y) Ip address: (no live tcon)(n)\n";
    const { witness, unknown } = parseDebugData(text);
    assert.deepEqual(unknown, []);
    assert.deepEqual(
      witness?.map((one) => [one.id, one.network, one.networkNotify, one.share, one.address, one.addressNotify]),
      [
        [1, "fs.example", true, "data", "10.0.0.9", true],
        [2, "o'brien", false, "x", "(no live tcon)", false],
      ],
    );
  });
});
