import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { describe, it } from "node:test";
import fc from "fast-check";
import { ssArgv, tcpRowsTo } from "./sockets.ts";

const table = new URL("../../test/fixtures/evidence/6.12/proc/net/tcp", import.meta.url);

describe("the arguments of ss", () => {
  it("name the servers", () => {
    const servers = [
      { address: "10.0.0.1", port: 445 },
      { address: "fe80::1%2", port: 4450 },
    ];
    assert.deepEqual(ssArgv(servers), ["ss", "-tinmoH", "dst", "10.0.0.1:445", "or", "dst", "[fe80::1]:4450"]);
  });

  it("are those of the ports when no server is known, or none that is an address", () => {
    const ports = ["ss", "-tinmoH", "dport", "=", ":445", "or", "dport", "=", ":2049"];
    assert.deepEqual(ssArgv([]), ports);
    assert.deepEqual(
      ssArgv([
        { address: "-K", port: 445 },
        { address: "host.example", port: 445 },
      ]),
      ports,
    );
  });
});

describe("rows of /proc/net/tcp", () => {
  it("are those to the server, with what its queues hold", async () => {
    const text = await readFile(table, "utf8");
    const rows = tcpRowsTo(text, [{ address: "127.0.0.1", port: 445 }]);
    assert.deepEqual(rows, tcpRowsTo(text, []));
    assert.deepEqual(rows, [
      {
        local: { address: "127.0.0.1", port: 0x8952 },
        remote: { address: "127.0.0.1", port: 445 },
        state: "ESTABLISHED",
        tx_queue: 0x90,
        rx_queue: 0,
        timer: 1,
        retransmits: 3,
        uid: 0,
        inode: 0,
      },
    ]);
    assert.deepEqual(tcpRowsTo(text, [{ address: "10.9.9.9", port: 445 }]), []);
  });

  it("of IPv6 are compared in one spelling, mapped IPv4 included", () => {
    const row = (address: string): string =>
      `0: ${"0".repeat(32)}:8952 ${address}:01BD 01 00000000:00000000 00:0 0 0 0 0 1\n`;
    const text = row("000080FE00000000FF005450B6AD1FFE") + row("0000000000000000FFFF00000100007F");
    const rows = tcpRowsTo(text, [
      { address: "fe80:0:0:0:5054:00ff:fe1f:adb6", port: 445 },
      { address: "127.0.0.1", port: 445 },
    ]);
    assert.deepEqual(
      rows.map(({ remote }) => remote.address),
      ["fe80::5054:ff:fe1f:adb6", "127.0.0.1"],
    );
  });

  it("never throw", () => {
    fc.assert(fc.property(fc.string(), (text) => void tcpRowsTo(text, [])));
  });
});
