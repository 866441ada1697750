import assert from "node:assert/strict";
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { withDir } from "../system/fixture.ts";
import { PacketRecording } from "./packet-recording.ts";
import { serversToRecord } from "./packet-servers.ts";
import type { StartLong } from "./tcpdump.ts";

const mounts = [
  "//files/share /mnt/a cifs rw,addr=10.0.0.5,port=1445 0 0",
  "nas:/export /mnt/b nfs rw,vers=3,addr=10.0.0.6,mountport=33333 0 0",
  "tls:/export /mnt/c nfs4 rw,vers=4.2,port=20049,addr=127.0.0.1 0 0",
  "",
].join("\n");
// A channel to another address of the server, and a connection of a program.
const tcp = [
  "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode",
  "   0: 0100000A:C001 0700000A:01BD 01 00000000:00000000 00:00000000 00000000     0        0 0 1 0 20 4 30 10 -1",
  "   1: 0100000A:C002 0800000A:01BD 01 00000000:00000000 00:00000000 00000000     0        0 4711 1 0 20 4 30 10 -1",
  "",
].join("\n");

const from = (files: Readonly<Record<string, string>>) => ({
  readProc: (path: string) => files[path],
  lookup: async (name: string) => {
    if (name !== "files") throw new Error("ENOTFOUND");
    return [{ address: "10.0.0.9", family: 4 }];
  },
});

const text = (servers: readonly { address: string; port: number }[]) =>
  servers.map(({ address, port }) => `${address}:${port}`);

describe("the servers whose packets are recorded", () => {
  it("are those of the mounts, with their ports, and the client's own sockets", async () => {
    assert.deepEqual(text(await serversToRecord(undefined, from({ "self/mounts": mounts, "net/tcp": tcp }))), [
      "10.0.0.5:1445",
      "10.0.0.6:2049",
      "127.0.0.1:20049",
      "10.0.0.6:111",
      "10.0.0.6:33333",
      "10.0.0.7:445",
    ]);
  });

  it("may be one alone, by name or address, also where it is not mounted", async () => {
    const files = { "self/mounts": mounts };
    assert.deepEqual(text(await serversToRecord("//files/share", from(files))), [
      ...["10.0.0.9:445", "10.0.0.9:2049", "10.0.0.9:111"],
      ...["10.0.0.5:445", "10.0.0.5:2049", "10.0.0.5:111", "10.0.0.5:1445"],
    ]);
    assert.deepEqual(text(await serversToRecord("fe80::1", from({}))), ["fe80::1:445", "fe80::1:2049", "fe80::1:111"]);
    await assert.rejects(serversToRecord("nosuch", from({})), {
      code: "failed",
      message: /the name nosuch has no address/,
    });
    await assert.rejects(serversToRecord(undefined, from({})), {
      code: "failed",
      message: /name the server with --server/,
    });
  });
});

const header = Buffer.concat([Buffer.from([0xd4, 0xc3, 0xb2, 0xa1]), Buffer.alloc(20)]);

describe("a recording of packets", () => {
  it("is one file of the ring's, for its owner alone, with what the kernel dropped", () =>
    withDir(async (dir) => {
      const file = join(dir, "t.pcap");
      const signals: string[] = [];
      const start: StartLong = async (argv, onText, onEnd) => {
        const base = argv[argv.indexOf("-w") + 1] ?? "";
        for (const [at, content] of ["one", "two"].entries())
          writeFileSync(`${base}${at}`, Buffer.concat([header, Buffer.from(content)]));
        onText("tcpdump: listening on any, link-type LINUX_SLL2\n");
        return {
          pid: 1,
          signal: (name) => {
            signals.push(name);
            onText("7 packets captured\n9 packets received by filter\n2 packets dropped by kernel\n");
            onEnd("exit status 0", false);
          },
        };
      };
      const servers = [{ address: "10.0.0.5", port: 445 }];
      const recording = new PacketRecording({
        file,
        servers,
        snapLength: 256,
        maxBytes: 8e6,
        start,
        wait: async () => {},
      });
      await recording.begin();
      const { packets, dropped, bytes, wrapped } = await recording.end();
      recording.remove();
      assert.deepEqual([packets, dropped, bytes, wrapped], [7, 2, 24 + 6, false]);
      assert.ok(readFileSync(file).subarray(24).equals(Buffer.from("onetwo")));
      assert.equal(statSync(file).mode & 0o777, 0o600);
      assert.deepEqual(readdirSync(dir), ["t.pcap"]);
      assert.equal(signals[0], "SIGTERM");
    }));

  it("says why it cannot begin: there is no tcpdump, or it ends", () =>
    withDir(async (dir) => {
      for (const [at, missing] of [true, false].entries()) {
        const start: StartLong = async (_argv, onText, onEnd) => {
          if (!missing) onText("tcpdump: any: You don't have permission\n");
          onEnd(missing ? "tcpdump is not installed" : "exit status 1", missing);
          return undefined;
        };
        const file = join(dir, `${at}.pcap`);
        const recording = new PacketRecording({ file, servers: [], snapLength: 256, maxBytes: 8e6, start });
        await assert.rejects(recording.begin(), {
          code: missing ? "unsupported" : "failed",
          message: missing ? /install the package tcpdump/ : /You don't have permission/,
        });
        recording.remove();
      }
      assert.throws(() => new PacketRecording({ file: join(dir, "0.pcap"), servers: [], snapLength: 1, maxBytes: 1 }), {
        code: "EEXIST",
      });
    }));
});
