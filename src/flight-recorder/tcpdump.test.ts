import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { filterOf, parseCounts, tcpdumpArgv } from "./tcpdump.ts";

describe("the arguments of tcpdump", () => {
  it("name addresses and ports, nothing that is no address", () => {
    const list = [
      { address: "[fe80::1%2]", port: 445 },
      { address: "10.0.0.2", port: 2049 },
      { address: "-w /etc/x", port: 445 },
    ];
    assert.equal(filterOf(list), "tcp and ((host fe80::1 and port 445) or (host 10.0.0.2 and port 2049))");
    const many = Array.from({ length: 100 }, (_, index) => ({ address: `10.0.0.${index}`, port: 445 + (index % 2) }));
    assert.equal(filterOf(many), "tcp and (port 445 or port 446)");
    const settings = { directory: "/d", servers: list, snapLength: 128, fileMb: 4, files: 4, unbuffered: true };
    const local = [
      { address: "127.0.0.1", port: 445 },
      { address: "::1", port: 2049 },
    ];
    const once = "tcp and ((host 127.0.0.1 and port 445 and inbound) or (host ::1 and port 2049 and inbound))";
    assert.equal(filterOf(local), once);
    assert.deepEqual(tcpdumpArgv(settings).slice(-4, -1), ["-w", "/d/packets.pcap", "-U"]);
  });

  it("are followed by counts", () => {
    assert.deepEqual(parseCounts("1 packet captured\n2 packets received by filter\n3 packets dropped by kernel\n"), {
      captured: 1,
      dropped: 3,
    });
    assert.equal(parseCounts("tcpdump: listening on any"), undefined);
  });
});
