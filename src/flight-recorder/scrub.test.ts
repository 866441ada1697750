import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import fc from "fast-check";
import { rpcWitness } from "../../lab/witness/rpc.ts";
import { smb2Witness } from "../../lab/witness/smb2.ts";
import { packetHeader, pcapHeader, readFormat, readPackets } from "../packets/pcap.ts";
import {
  capture,
  createMessage,
  type Delivery,
  deliver,
  encryptedMessage,
  type FrameOptions,
  nfsOperationCall,
  nfsWriteCall,
  readResponse,
  Secrets,
  writeRequest,
} from "../packets/testing/packets.ts";
import { Scrubber, type ScrubOptions } from "./scrub.ts";

const fixture = (name: string): Buffer =>
  readFileSync(new URL(`../../test/fixtures/captures/${name}`, import.meta.url));

async function scrub(
  files: readonly Buffer[],
  options: ScrubOptions = {},
): Promise<{ out: Buffer; scrubber: Scrubber }> {
  const scrubber = new Scrubber(options);
  const pieces: Buffer[] = [];
  for (const file of files) for await (const piece of scrubber.file(file)) pieces.push(piece);
  return { out: Buffer.concat(pieces), scrubber };
}

describe("scrubbing packets", () => {
  it("leaves everything that tells SMB2 requests apart", async () => {
    const file = fixture("smb2.pcap");
    const { out, scrubber } = await scrub([file]);
    const [before, after] = [smb2Witness(file), smb2Witness(out)];
    assert.ok(before.exchanges.length > 20);
    assert.deepEqual(after, before);
    assert.equal(out.length, file.length);
    assert.ok(scrubber.bytes.zeroed > 10_000, `${scrubber.bytes.zeroed} bytes were zeroed`);
  });

  it("leaves everything that tells RPCs apart", async () => {
    const file = fixture("nfs-4.2.pcap");
    const { out, scrubber } = await scrub([file]);
    const [before, after] = [rpcWitness(file), rpcWitness(out)];
    assert.ok(before.calls.length > 10);
    assert.deepEqual(after, before);
    assert.ok(scrubber.bytes.zeroed > scrubber.bytes.kept);
  });

  it("takes names and data out of both", async () => {
    for (const name of ["smb2.pcap", "nfs-4.2.pcap"]) {
      const file = fixture(name);
      const text = (bytes: Buffer): string =>
        `${bytes.toString("latin1")} ${bytes.toString("utf16le")} ${bytes.subarray(1).toString("utf16le")}`;
      const words = [...new Set([...text(file).matchAll(/[A-Za-z][A-Za-z0-9_-]{7,}/g)].map(([word]) => word))];
      assert.ok(words.length > 3, `${name}: ${words.length} words`);
      const { out } = await scrub([file]);
      const left = text(out);
      assert.deepEqual(
        words.filter((word) => left.includes(word)),
        [],
      );
    }
  });

  it("never lets eight bytes of a name or of data through, however they are cut, repeated, mixed up and lost", async () => {
    await fc.assert(
      fc.asyncProperty(delivery, async (how) => {
        const secrets = new Secrets(how.seed);
        const toServer = [
          createMessage(1n, secrets.take(60)),
          writeRequest(2n, secrets.take(how.size)),
          encryptedMessage(secrets.take(500)),
          writeRequest(3n, secrets.take(700)),
          createMessage(4n, secrets.take(20)),
        ];
        const toClient = [
          readResponse(1n, secrets.take(how.size)),
          readResponse(2n, secrets.take(90)),
          encryptedMessage(secrets.take(120)),
        ];
        const file = capture(deliver({ toServer, toClient, port: 445 }, how), how);
        const { out } = await scrub([file]);
        assert.equal(out.length, file.length);
        assert.deepEqual(secrets.foundIn(out), []);
        const nfs = [
          nfsWriteCall(7, 3, secrets.take(how.size)),
          nfsWriteCall(8, 4, secrets.take(300)),
          nfsWriteCall(9, 4, secrets.take(10)),
        ];
        const rpc = await scrub([capture(deliver({ toServer: nfs, toClient: [], port: 2049 }, how), how)]);
        assert.deepEqual(secrets.foundIn(rpc.out), []);
      }),
      { numRuns: 150 },
    );
  });

  it("keeps the headers of a stream that comes in order, in whatever segments", async () => {
    const secrets = new Secrets(1);
    const messages = [
      createMessage(1n, secrets.take(60)),
      writeRequest(2n, secrets.take(70_000)),
      createMessage(3n, secrets.take(9)),
    ];
    const how: Delivery & FrameOptions = { ...calm, cuts: [1448], snap: 65_535 };
    const { out, scrubber } = await scrub([
      capture(deliver({ toServer: messages, toClient: [], port: 445 }, how), how),
    ]);
    // NetBIOS length, header, fixed part.
    assert.equal(scrubber.bytes.kept, 3 * 68 + 56 + 48 + 56);
    assert.deepEqual(
      smb2Witness(out).exchanges.map(({ command }) => command),
      ["SMB2_CREATE", "SMB2_WRITE", "SMB2_CREATE"],
    );
  });

  it("finds its way into a connection that it did not see begin, by a short message or a known session", async () => {
    const secrets = new Secrets(2);
    const messages = [
      writeRequest(1n, secrets.take(3000)),
      createMessage(2n, secrets.take(60)),
      writeRequest(3n, secrets.take(3000)),
    ];
    const how = { ...calm, cuts: [1000], begun: false };
    const file = capture(deliver({ toServer: messages, toClient: [], port: 445, alone: true }, how), how);
    const header = 68;
    assert.equal((await scrub([file])).scrubber.bytes.kept, header + 56 + header + 48);
    assert.equal(
      (await scrub([file], { sessions: [0x65n] })).scrubber.bytes.kept,
      header + 48 + header + 56 + header + 48,
    );
  });

  it("zeroes what it does not know: other ports, UDP, fragments, padding, unknown links", async () => {
    const secrets = new Secrets(3);
    const message = createMessage(1n, secrets.take(200));
    const other = { ...calm, cuts: [10_000] };
    for (const port of [8080, 445]) {
      for (const linkType of [1, 101, 113, 276, 147]) {
        const how = { ...other, linkType };
        const { out } = await scrub([capture(deliver({ toServer: [message], toClient: [], port }, how), how)]);
        assert.deepEqual(secrets.foundIn(out), [], `port ${port}, link type ${linkType}`);
      }
    }
    const format = { littleEndian: true, perSecond: 1e6, linkType: 101, snapLength: 256 };
    const payload = secrets.take(100);
    for (const [flags, protocol] of [
      [0, 17],
      [0x2000, 6],
      [0x0010, 6],
      [0, 1],
    ] as const) {
      const ip = Buffer.concat([Buffer.from("4500007800010000400600007f0000017f000001", "hex"), payload]);
      ip.writeUInt16BE(flags, 6);
      ip.writeUInt8(protocol, 9);
      const packet = { seconds: 1, fraction: 0, originalLength: ip.length, data: ip };
      const { out } = await scrub([Buffer.concat([pcapHeader(format), packetHeader(packet), ip])]);
      assert.deepEqual(secrets.foundIn(out), []);
      assert.equal(out.subarray(40, 60).toString("hex"), ip.subarray(0, 20).toString("hex"));
    }
  });

  it("keeps nothing of SMB1, and of what says it is SMB2 but is wrong", async () => {
    const secrets = new Secrets(4);
    const smb1 = Buffer.concat([Buffer.from([0, 0, 0, 100]), Buffer.from("\xffSMB", "latin1"), secrets.take(96)]);
    const wrong = createMessage(1n, secrets.take(60));
    wrong.writeUInt16LE(63, 8);
    for (const message of [smb1, wrong]) {
      const how = { ...calm, cuts: [10_000] };
      const { scrubber } = await scrub([capture(deliver({ toServer: [message], toClient: [], port: 445 }, how), how)]);
      assert.equal(scrubber.bytes.kept, 0);
    }
  });

  it("keeps of an NFS operation only what is fixed", async () => {
    const fixed: Readonly<Record<number, number>> = { 3: 4, 4: 20, 5: 12, 25: 28, 30: 8, 38: 32, 53: 32, 68: 28 };
    for (let operation = 0; operation < 80; operation++) {
      const secret = new Secrets(operation).take(200);
      // A handle's length must be one.
      if (operation === 22) secret.writeUInt32BE(100, 0);
      const how = { ...calm, cuts: [10_000], snap: 65_535 };
      const call = nfsOperationCall(7, operation, secret);
      const { scrubber } = await scrub([capture(deliver({ toServer: [call], toClient: [], port: 2049 }, how), how)]);
      const expected = operation === 22 ? 4 : (fixed[operation] ?? 0);
      assert.equal(scrubber.bytes.kept, 60 + expected, `operation ${operation}`);
    }
  });

  it("survives any bytes", async () => {
    const format = { littleEndian: true, perSecond: 1e9, linkType: 1, snapLength: 256 };
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.uint8Array({ maxLength: 120 }), { maxLength: 5 }),
        fc.constantFrom(1, 101, 113, 276),
        async (frames, linkType) => {
          const packets = frames.flatMap((bytes) => {
            const data = Buffer.from(bytes);
            return [packetHeader({ seconds: 1, fraction: 2, originalLength: 1 + data.length, data }), data];
          });
          const { scrubber } = await scrub([Buffer.concat([pcapHeader({ ...format, linkType }), ...packets])]);
          assert.equal(scrubber.packets, frames.length);
        },
      ),
    );
    assert.equal((await scrub([Buffer.from("no capture")])).scrubber.skipped, 1);
  });

  it("puts files behind each other, leaves out what is too old, and ends at a packet that is still being written", async () => {
    const file = fixture("smb2.pcap");
    const format = readFormat(file);
    assert.ok(format !== undefined);
    const packets = [...readPackets(file, format)];
    const middle = packets[Math.floor(packets.length / 2)]?.seconds ?? 0;
    const { scrubber } = await scrub([file, file.subarray(0, file.length - 3)], { since: middle });
    const newer = packets.filter(({ seconds }) => seconds >= middle).length;
    assert.equal(scrubber.packets, 2 * newer - 1);
  });
});

const calm: Delivery & FrameOptions = {
  seed: 1,
  size: 100,
  cuts: [1448],
  begun: true,
  order: [],
  repeat: [],
  lose: [],
  snap: 256,
  linkType: 1,
};
const places = fc.array(fc.nat(60), { maxLength: 8 });
const delivery: fc.Arbitrary<Delivery & FrameOptions> = fc.record({
  seed: fc.nat(),
  size: fc.integer({ min: 8, max: 9000 }),
  cuts: fc.array(fc.integer({ min: 1, max: 2000 }), { minLength: 1, maxLength: 6 }),
  begun: fc.boolean(),
  order: places,
  repeat: places,
  lose: places,
  snap: fc.constantFrom(96, 128, 256, 65_535),
  linkType: fc.constantFrom(1, 101, 113, 276),
});
