import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import fc from "fast-check";
import { rpcWitness } from "../../lab/witness/rpc.ts";
import { countSmb2, smb2Witness } from "../../lab/witness/smb2.ts";
import { isFailure } from "../smb/status.ts";
import { packetHeader, pcapHeader, readFormat, readPackets } from "./pcap.ts";
import { analyse, type Reports } from "./testing/analyse.ts";
import {
  capture,
  createMessage,
  type Delivery,
  deliver,
  encryptedMessage,
  type FrameOptions,
  nfsWriteCall,
  readResponse,
  Secrets,
  writeRequest,
} from "./testing/packets.ts";
import { pcapngOf } from "./testing/pcapng.ts";

const fixture = (name: string): Buffer =>
  readFileSync(new URL(`../../test/fixtures/captures/${name}`, import.meta.url));

const smb = fixture("smb2.pcap");
const nfs = fixture("nfs-4.2.pcap");

function counted(reports: Reports): Record<string, readonly [requests: number, answered: number, errors: number]> {
  return Object.fromEntries(
    reports.total.commands.map(({ name, requests, answered, errors }) => [name, [requests, answered, errors]]),
  );
}

describe("what a capture of SMB tells", () => {
  const reports = analyse(smb);
  const [connection] = reports.connections;
  const said = connection?.smb;

  it("counts requests, answers and errors as another reader does", () => {
    const witness = smb2Witness(smb);
    assert.deepEqual(witness.doubts, []);
    const expected = [...countSmb2(witness.exchanges)].map(([command]) => {
      const of = witness.exchanges.filter((exchange) => exchange.command === command);
      const errors = of.filter(({ response }) => response !== undefined && isFailure(response.status));
      return [command, [of.length, of.filter(({ response }) => response !== undefined).length, errors.length]];
    });
    assert.deepEqual(counted(reports), Object.fromEntries(expected));
  });

  it("has the latencies that another reader has", () => {
    const times = smb2Witness(smb)
      .exchanges.filter(({ command }) => command === "SMB2_CREATE")
      .map(({ request, response }) => ((response?.time ?? 0) - request.time) * 1e6);
    const latency = reports.total.commands.find(({ name }) => name === "SMB2_CREATE")?.latency_us;
    assert.ok(latency !== undefined);
    assert.ok(Math.abs(latency.max - Math.max(...times)) < 1);
    assert.ok(Math.abs(latency.mean - times.reduce((sum, time) => sum + time, 0) / times.length) < 1);
    const median = [...times].sort((one, two) => one - two)[Math.ceil(times.length / 2) - 1] ?? 0;
    assert.ok(Math.abs(latency.p50 / median - 1) < 0.05, `${latency.p50} for ${median}`);
  });

  it("knows the connection, the negotiation, the log-in and the trees", () => {
    assert.deepEqual(connection?.client, { address: "127.0.0.1", port: 41156 });
    assert.equal(connection?.begun, true);
    assert.ok((connection?.handshake_rtt_us ?? 0) > 0);
    assert.equal(said?.choice?.dialect, "3.1.1");
    assert.deepEqual(said?.offer?.ciphers, ["AES-128-GCM", "AES-256-GCM", "AES-128-CCM"]);
    assert.deepEqual(said?.choice?.ciphers, ["AES-128-GCM"]);
    assert.deepEqual(said?.choice?.mechanisms, ["NTLMSSP"]);
    assert.equal(said?.offer?.signing, "enabled");
    assert.ok(Math.abs(said?.skew_ms ?? 1e9) <= (said?.skew_error_ms ?? 0), "one machine has one clock");
    const [session] = said?.sessions ?? [];
    assert.equal(session?.user, "aodlab");
    assert.equal(session?.workstation, "aod-lab");
    assert.equal(session?.client_version?.text, "Linux 6.12, cifs module 2.51");
    assert.equal(session?.server?.netbios_name, "AOD-LAB");
    assert.deepEqual(
      said?.trees.map(({ path, status, kind }) => [path, status, kind]),
      [
        ["\\\\127.0.0.1\\IPC$", "STATUS_SUCCESS", "pipe"],
        ["\\\\127.0.0.1\\share", "STATUS_SUCCESS", "disk"],
      ],
    );
    assert.deepEqual(said?.unanswered, { count: 0, forgotten: 0 });
  });

  it("never tells challenges and responses", () => {
    const text = JSON.stringify(reports);
    for (let at = smb.indexOf("NTLMSSP\0"); at >= 0; at = smb.indexOf("NTLMSSP\0", at + 8)) {
      const type = smb.readUInt32LE(at + 8);
      const fields = type === 3 ? [12, 20, 52] : [];
      const secrets = fields.map((field) => {
        const from = at + smb.readUInt32LE(at + field + 4);
        return smb.subarray(from, from + smb.readUInt16LE(at + field));
      });
      if (type === 2) secrets.push(smb.subarray(at + 24, at + 32));
      for (const secret of secrets.filter(({ length }) => length >= 8)) {
        for (const form of ["hex", "base64", "latin1", "utf16le"] as const) {
          assert.ok(!text.includes(secret.subarray(0, 8).toString(form)), `message ${type} as ${form}`);
        }
      }
    }
  });
});

describe("what a capture of NFS tells", () => {
  const reports = analyse(nfs);

  it("has every call and reply that another reader has", () => {
    const { calls, doubts } = rpcWitness(nfs);
    assert.deepEqual(doubts, []);
    const { commands } = reports.total;
    const sum = (of: "requests" | "answered"): number => commands.reduce((total, command) => total + command[of], 0);
    assert.equal(sum("requests"), calls.length);
    assert.equal(sum("answered"), calls.filter(({ replyTime }) => replyTime !== undefined).length);
  });

  it("names compounds by what they are for, and where they failed", () => {
    const rpc = reports.connections[0]?.rpc;
    assert.deepEqual(rpc?.statuses, [{ name: "OPEN", status: "NFS4ERR_NOENT", count: 7 }]);
    assert.equal(rpc?.programs["NFS 4.2"], 34);
    assert.deepEqual(rpc?.machines, ["aod-lab"]);
    assert.deepEqual(rpc?.owners, ["Linux NFSv4.2 aod-lab"]);
    assert.match(rpc?.client_versions[0] ?? "", /^Linux 6\.12\./);
    assert.deepEqual(counted(reports)["RENAME"], [3, 3, 0]);
  });
});

describe("the forms of a capture", () => {
  const whole = analyse(smb);
  const format = readFormat(smb);
  assert.ok(format !== undefined);
  const packets = [...readPackets(smb, format)];

  it("says the same of a pcapng in both byte orders, with micro- and nanoseconds", () => {
    for (const littleEndian of [true, false]) {
      for (const resolution of [6, 9]) {
        const options = { linkType: 1, perSecond: format.perSecond, littleEndian, resolution };
        const told = analyse(pcapngOf(packets, options));
        assert.deepEqual(told.capture, { ...whole.capture, format: "pcapng" });
        assert.deepEqual(told.connections, whole.connections);
      }
    }
    const { capture: lossy } = analyse(pcapngOf(packets, { linkType: 1, perSecond: 1e6, dropped: 7 }));
    assert.equal(lossy.dropped_packets, 7);
  });

  it("counts requests and answers of a capture that is cut to headers as of a whole one", () => {
    const cut = packets.map((packet) => ({ ...packet, data: packet.data.subarray(0, 66 + 68) }));
    const file = Buffer.concat([pcapHeader(format), ...cut.flatMap((packet) => [packetHeader(packet), packet.data])]);
    const told = analyse(file);
    // Further members of a chain lie behind what was kept.
    assert.ok(told.capture.cut_packets > 50);
    const first = smb2Witness(smb).exchanges.filter(({ request }) => request.member === 0);
    const requests = told.total.commands.reduce((sum, command) => sum + command.requests, 0);
    assert.equal(requests, first.length);
    assert.equal(told.connections[0]?.lost_places, 0);
  });

  it("tells how far a file goes that is cut off", () => {
    const told = analyse(smb.subarray(0, smb.length - 10));
    assert.match(told.capture.cut_off ?? "", /^at byte \d+: within packet 122$/);
    assert.equal(told.capture.packets, 121);
  });

  it("leaves packets out that were captured twice, and counts those that were sent again", () => {
    const twice = packets.flatMap((packet) => [packet, packet]);
    const told = analyse(
      Buffer.concat([pcapHeader(format), ...twice.flatMap((packet) => [packetHeader(packet), packet.data])]),
    );
    assert.deepEqual(counted(told), counted(whole));
    const flow = told.connections[0]?.to_server;
    assert.ok((flow?.duplicates ?? 0) > 20);
    assert.equal(flow?.retransmissions, 0);
  });
});

it("forgets connections beyond a number of them, but not what they did", () => {
  const format = readFormat(smb);
  assert.ok(format !== undefined);
  const packets = [...readPackets(smb, format)];
  const many = Array.from({ length: 7 }, (_, index) =>
    packets.flatMap((packet) => {
      const data = Buffer.from(packet.data);
      data.writeUInt16BE(2000 + index, data.readUInt16BE(34) === 445 ? 36 : 34);
      return [packetHeader(packet), data];
    }),
  );
  const file = Buffer.concat([pcapHeader(format), ...many.flat()]);
  const told = analyse(file, { maxConnections: 3 });
  assert.deepEqual([told.connections.length, told.capture.forgotten_connections], [3, 4]);
  assert.deepEqual(
    told.connections.map(({ client }) => client.port),
    [2004, 2005, 2006],
  );
  assert.deepEqual(told.total, analyse(file).total);
});

const calm: Delivery & FrameOptions = {
  seed: 1,
  size: 100,
  cuts: [1448],
  begun: true,
  order: [],
  repeat: [],
  lose: [],
  snap: 65_535,
  linkType: 1,
};
const places = fc.array(fc.nat(60), { maxLength: 8 });
const network: fc.Arbitrary<Delivery & FrameOptions> = fc.record({
  seed: fc.nat(),
  size: fc.integer({ min: 8, max: 9000 }),
  cuts: fc.array(fc.integer({ min: 7, max: 2000 }), { minLength: 1, maxLength: 6 }),
  begun: fc.constant(true),
  order: places,
  repeat: places,
  lose: fc.constant([]),
  snap: fc.constant(65_535),
  linkType: fc.constantFrom(1, 101, 113, 276),
});

function conversation(secrets: Secrets, size: number): { readonly toServer: Buffer[]; readonly toClient: Buffer[] } {
  return {
    toServer: [
      createMessage(1n, secrets.take(60)),
      writeRequest(2n, secrets.take(size)),
      encryptedMessage(secrets.take(500)),
      writeRequest(3n, secrets.take(5000)),
      createMessage(4n, secrets.take(20)),
    ],
    toClient: [
      readResponse(5n, secrets.take(size)),
      encryptedMessage(secrets.take(90)),
      readResponse(6n, secrets.take(9)),
    ],
  };
}

describe("putting segments together", () => {
  it("finds every message, however the stream is cut, repeated and mixed up", () => {
    fc.assert(
      fc.property(network, (how) => {
        const secrets = new Secrets(how.seed);
        const sent = deliver({ ...conversation(secrets, how.size), port: 445 }, how);
        // Nothing overtakes the handshake.
        const told = analyse(capture([...sent.filter(({ syn }) => syn), ...sent.filter(({ syn }) => !syn)], how));
        assert.deepEqual(counted(told), { SMB2_CREATE: [2, 0, 0], SMB2_WRITE: [2, 0, 0], SMB2_READ: [0, 2, 0] });
        const said = told.connections[0]?.smb;
        assert.equal(said?.encrypted.messages, 2);
        assert.equal(said?.unmatched_responses, 2);
        assert.equal(told.connections[0]?.lost_places, 0);
        assert.equal(told.connections[0]?.to_server.gaps, 0);
      }),
      { numRuns: 150 },
    );
  });

  it("goes on behind what is lost, and never counts a message that was not there", () => {
    fc.assert(
      fc.property(network, places, fc.constantFrom(96, 128, 256, 65_535), fc.boolean(), (calm, lose, snap, begun) => {
        const how = { ...calm, lose, snap, begun };
        const secrets = new Secrets(how.seed);
        const told = counted(analyse(capture(deliver({ ...conversation(secrets, how.size), port: 445 }, how), how)));
        for (const [name, most] of [
          ["SMB2_CREATE", 2],
          ["SMB2_WRITE", 2],
          ["SMB2_READ", 2],
        ] as const) {
          assert.ok(Math.max(...(told[name] ?? [0])) <= most, name);
        }
        const calls = [nfsWriteCall(7, 3, secrets.take(how.size)), nfsWriteCall(8, 4, secrets.take(300))];
        const rpc = analyse(capture(deliver({ toServer: calls, toClient: [], port: 2049 }, how), how));
        assert.ok((counted(rpc)["WRITE"]?.[0] ?? 0) <= 2);
      }),
      { numRuns: 150 },
    );
  });

  it("reads what comes before its SYN once", () => {
    const how = { ...calm, cuts: [97] };
    const sent = deliver({ toServer: [], toClient: [readResponse(5n, Buffer.alloc(9))], port: 445 }, how);
    const [syn, data] = sent.filter(({ toServer }) => !toServer);
    assert.ok(syn?.syn === true && data !== undefined);
    assert.deepEqual(counted(analyse(capture([data, syn, data], how))), { SMB2_READ: [0, 1, 0] });
  });

  it("says where a capture has gaps", () => {
    const how = { ...calm, cuts: [1000], lose: [20] };
    const messages = [writeRequest(1n, new Secrets(1).take(50_000)), createMessage(2n, new Secrets(2).take(60))];
    const told = analyse(capture(deliver({ toServer: messages, toClient: [], port: 445 }, how), how));
    const flow = told.connections[0]?.to_server;
    assert.deepEqual([flow?.gaps, flow?.missing_bytes], [1, 1000]);
    // It lies within a message: nothing else is lost.
    assert.deepEqual(counted(told), { SMB2_WRITE: [1, 0, 0], SMB2_CREATE: [1, 0, 0] });
  });
});

describe("any bytes", () => {
  it("never end the reading of a damaged capture", () => {
    const change = fc.record({ at: fc.nat(), to: fc.integer({ min: 0, max: 255 }), length: fc.nat(8) });
    fc.assert(
      fc.property(
        fc.constantFrom(smb, nfs),
        fc.array(change, { minLength: 1, maxLength: 40 }),
        fc.boolean(),
        fc.nat(),
        (file, changes, ng, cut) => {
          const damaged = Buffer.from(file);
          // The file's own header makes a foreign file of it.
          for (const { at, to, length } of changes) {
            const from = 24 + (at % (damaged.length - 24));
            damaged.fill(to, from, Math.min(damaged.length, from + length));
          }
          const whole = ng ? asPcapng(damaged) : damaged;
          const told = analyse(cut % 3 === 0 ? whole.subarray(0, 64 + (cut % (whole.length - 64))) : whole);
          // A damaged length can begin packets where none were, each with a header of 16 bytes.
          assert.ok(told.capture.packets <= whole.length / 16);
          JSON.stringify(told);
        },
      ),
      { numRuns: 400 },
    );
  });
});

function asPcapng(file: Buffer): Buffer {
  const format = readFormat(file);
  assert.ok(format !== undefined);
  return pcapngOf(readPackets(file, format), { linkType: 1, perSecond: 1e6 });
}
