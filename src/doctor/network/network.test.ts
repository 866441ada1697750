import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import type { Run } from "../../system/process.ts";
import { type FakeMachine, fakeMachine, listening } from "./fixture.ts";
import { resolveName } from "./names.ts";
import { realNetwork } from "./network.ts";
import { examinePort } from "./port.ts";
import { routeTo } from "./route.ts";

const signal = new AbortController().signal;
const resolv = { "etc/resolv.conf": "search corp.example lab.example\nnameserver 192.0.2.53 # the first\n" };

describe("names", () => {
  const named = (t: TestContext, host: string, machine: FakeMachine) =>
    resolveName(host, fakeMachine(t, machine), signal);

  it("an address needs no look-up", async (t) => {
    assert.deepEqual((await named(t, "192.0.2.1", {})).addresses, ["192.0.2.1"]);
    assert.deepEqual((await named(t, "fe80::1%eth0", {})).addresses, ["fe80::1%eth0"]);
  });

  it("each address has where it comes from, also by a search domain", async (t) => {
    const { addresses, findings } = await named(t, "files", {
      files: { ...resolv, "etc/hosts": "192.0.2.1 box files # old\n" },
      names: { files: ["192.0.2.1", "2001:db8::1", "192.0.2.9"] },
      dns: { "files.lab.example": ["2001:db8::1"] },
    });
    assert.deepEqual(addresses, ["192.0.2.1", "2001:db8::1", "192.0.2.9"]);
    assert.match(
      findings[0]?.evidence ?? "",
      /192\.0\.2\.1 \(\/etc\/hosts\), 2001:db8::1 \(DNS, files\.lab\.example\), 192\.0\.2\.9 \(neither/,
    );
  });

  it("where DNS does not answer it is not known where an address comes from", async (t) => {
    const { findings } = await named(t, "files", { files: resolv, names: { files: ["192.0.2.9"] }, dns: "ETIMEOUT" });
    assert.match(findings[0]?.evidence ?? "", /192\.0\.2\.9 \(not from \/etc\/hosts; DNS does not answer: ETIMEOUT\)/);
  });

  it("a line in /etc/hosts that hides what DNS says is told", async (t) => {
    const { findings } = await named(t, "files.corp.example", {
      files: { ...resolv, "etc/hosts": "192.0.2.1 files.corp.example\n" },
      names: { "files.corp.example": ["192.0.2.1"] },
      dns: { "files.corp.example": ["192.0.2.2"] },
    });
    assert.equal(findings[1]?.result, "warn");
    assert.match(findings[1]?.evidence ?? "", /hosts says 192\.0\.2\.1, DNS says 192\.0\.2\.2/);
  });

  for (const [code, says] of [
    ["ENOTFOUND", /no name that this machine can resolve/],
    ["EAI_AGAIN", /the DNS servers do not answer/],
  ] as const) {
    it(`${code}: the name does not resolve, with the servers and domains that were asked`, async (t) => {
      const { findings, addresses } = await named(t, "files", { files: resolv, names: { files: code } });
      assert.deepEqual(addresses, []);
      assert.equal(findings[0]?.verdict?.cause, "network.name-resolution");
      assert.match(findings[0]?.verdict?.summary ?? "", says);
      assert.match(findings[0]?.evidence ?? "", /192\.0\.2\.53; search domains corp\.example, lab\.example/);
    });
  }
});

describe("routes", () => {
  const get = "ip -j route get 192.0.2.1";
  const routed = (t: TestContext, programs: FakeMachine["programs"]) =>
    routeTo("192.0.2.1", fakeMachine(t, { ...(programs && { programs }) }), signal);

  it("the way out is told", async (t) => {
    const stdout = '[{"dst":"192.0.2.1","gateway":"10.0.0.1","dev":"eth0","prefsrc":"10.0.0.5","flags":[],"cache":[]}]';
    assert.deepEqual(await routed(t, { [get]: { stdout } }), {
      result: "ok",
      evidence: "192.0.2.1 by 10.0.0.1 on eth0 from 10.0.0.5",
    });
  });

  it("no route, and a route that forbids, are failures; without ip(8) it is not known", async (t) => {
    const none = await routed(t, {
      [get]: { status: "failed", stderr: "RTNETLINK answers: Network is unreachable\n" },
    });
    assert.equal(none.verdict?.cause, "network.port-blocked");
    assert.match(none.evidence, /Network is unreachable/);
    const forbidden = await routed(t, { [get]: { stdout: '[{"type":"prohibit","dst":"192.0.2.1"}]' } });
    assert.match(forbidden.evidence, /prohibit/);
    assert.equal((await routed(t, undefined)).result, "skip");
  });
});

describe("ports", () => {
  const examined = async (t: TestContext, machine: FakeMachine, addresses = ["192.0.2.1"]) =>
    examinePort(
      { host: "files", addresses, port: 445, service: "SMB", timeoutMs: 5000 },
      fakeMachine(t, machine),
      signal,
    );
  const causeOf = async (t: TestContext, machine: FakeMachine) => {
    const { findings, open } = await examined(t, machine);
    assert.deepEqual(open, []);
    const { cause, confidence } = findings[0]?.verdict ?? assert.fail("no verdict");
    return `${cause} ${confidence}`;
  };

  it("open, and open but slow", async (t) => {
    const local = await listening(t);
    const fast = await examined(t, { reach: { "192.0.2.1": local } });
    assert.deepEqual(fast, {
      open: ["192.0.2.1"],
      findings: [{ result: "ok", evidence: "192.0.2.1 port 445 takes connections (1.0 ms)" }],
    });
    const slow = await examined(t, { reach: { "192.0.2.1": local }, tookMs: 3100 });
    assert.equal(slow.findings[0]?.verdict?.cause, "network.latency");
  });

  it("refused: the host is there and nothing listens", async (t) => {
    assert.equal(await causeOf(t, { reach: { "192.0.2.1": "ECONNREFUSED" } }), "server.down certain");
  });

  it("silent, while other ports of the host answer: a firewall", async (t) => {
    const reach = { "192.0.2.1": "ECONNREFUSED", "192.0.2.1:445": "timeout" };
    assert.equal(await causeOf(t, { reach }), "network.port-blocked certain");
  });

  it("silent, while ping is answered: a firewall", async (t) => {
    const machine = { reach: { "192.0.2.1": "timeout" }, programs: { "ping -n -c 1 -W 2 192.0.2.1": {} } };
    assert.equal(await causeOf(t, machine), "network.port-blocked certain");
  });

  it("silent, and a rule of this machine counts the packets: its own firewall", async (t) => {
    const saved = (packets: number, port: number): string =>
      `*filter\n:OUTPUT ACCEPT [0:0]\n[${packets}:60] -A OUTPUT -p tcp --dport ${port} -j DROP\nCOMMIT\n`;
    const look = async (port: number) => {
      let packets = 0;
      const machine = fakeMachine(t, { reach: { "192.0.2.1": "timeout" } });
      const { connect } = machine.network;
      const network = {
        ...machine.network,
        connect: (...words: Parameters<typeof connect>) => {
          packets += 1;
          return connect(...words);
        },
      };
      const run: Run = async (argv) => {
        const ran = { code: 0, stderr: "", truncated: false, tookMs: 1, stdout: Buffer.from(saved(packets, port)) };
        return { ...ran, status: argv[0] === "iptables-save" ? "ok" : "missing" };
      };
      const question = { host: "files", addresses: ["192.0.2.1"], port: 445, service: "SMB", timeoutMs: 5000 };
      return (await examinePort(question, { ...machine, network, run }, signal)).findings[0];
    };
    const own = await look(445);
    assert.match(own?.evidence ?? "", /iptables OUTPUT: -p tcp --dport 445 -j DROP \(1 packet more\)/);
    assert.match(own?.verdict?.summary ?? "", /this machine's own firewall/);
    assert.deepEqual([own?.verdict?.cause, own?.verdict?.confidence], ["network.port-blocked", "certain"]);
    // What is thrown away of other traffic says nothing of this.
    assert.doesNotMatch((await look(5353))?.verdict?.summary ?? "", /own firewall/);
  });

  it("silent altogether: likely", async (t) => {
    assert.equal(await causeOf(t, { reach: { "192.0.2.1": "timeout" } }), "network.port-blocked likely");
  });

  it("rejected by a message of the way", async (t) => {
    for (const code of ["EHOSTUNREACH", "ENETUNREACH", "EACCES", "ECONNRESET"])
      assert.equal(await causeOf(t, { reach: { "192.0.2.1": code } }), "network.port-blocked likely", code);
  });

  it("a refusal that the kernel counts as ICMP is a rejection, not a server that is down", async (t) => {
    const { writeFileSync } = await import("node:fs");
    const { join } = await import("node:path");
    const snmp = (count: number): string => `Icmp: InMsgs InErrors InDestUnreachs\nIcmp: 9 0 ${count}\n`;
    const machine = fakeMachine(t, { files: { "proc/net/snmp": snmp(4) } });
    const rejecting = {
      ...machine,
      network: {
        ...machine.network,
        connect: async () => {
          writeFileSync(join(machine.procRoot, "net/snmp"), snmp(5));
          return { state: "failed", code: "ECONNREFUSED", tookMs: 1 } as const;
        },
      },
    };
    writeFileSync(join(machine.procRoot, "net/snmp"), snmp(4));
    let first = true;
    const network = {
      ...rejecting.network,
      connect: async () => {
        if (!first) return rejecting.network.connect();
        first = false;
        return { state: "failed", code: "ECONNREFUSED", tookMs: 1 } as const;
      },
    };
    const { findings } = await examinePort(
      { host: "files", addresses: ["192.0.2.1"], port: 445, service: "SMB", timeoutMs: 5000 },
      { ...machine, network },
      signal,
    );
    assert.equal(findings[0]?.verdict?.cause, "network.port-blocked");
  });

  it("one dead address among several is found, and worse where it is the first and silent", async (t) => {
    const local = await listening(t);
    const verdictOf = async (reach: Readonly<Record<string, string | number>>) => {
      const { findings, open } = await examined(t, { reach }, ["192.0.2.1", "192.0.2.2"]);
      const dead = findings.find(({ verdict }) => verdict !== undefined);
      return [open.join(), dead?.result, dead?.verdict?.cause, dead?.verdict?.confidence];
    };
    assert.deepEqual(await verdictOf({ "192.0.2.1": "timeout", "192.0.2.2": local }), [
      "192.0.2.2",
      "fail",
      "network.name-resolution",
      "certain",
    ]);
    assert.deepEqual(await verdictOf({ "192.0.2.1": local, "192.0.2.2": "ECONNREFUSED" }), [
      "192.0.2.1",
      "warn",
      "network.name-resolution",
      "likely",
    ]);
  });
});

describe("the real network", () => {
  it("connects, is refused, and gives up", async (t) => {
    const port = await listening(t);
    const open = await realNetwork.connect("127.0.0.1", port, { timeoutMs: 5000 });
    assert.equal(open.state, "open");
    if (open.state === "open") open.socket.destroy();
    const refused = await realNetwork.connect("127.0.0.1", 1, { timeoutMs: 5000 });
    assert.equal(refused.state === "failed" && refused.code, "ECONNREFUSED");
    const ended = await realNetwork.connect("127.0.0.1", port, { timeoutMs: 5000, signal: AbortSignal.abort() });
    assert.equal(ended.state, "timeout");
  });
});
