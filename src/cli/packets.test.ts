import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { gzipSync } from "node:zlib";
import { readFormat, readPackets } from "../packets/pcap.ts";
import { withDir } from "../system/fixture.ts";
import { build } from "./packets.ts";

const fixture = join(import.meta.dirname, "../../test/fixtures/captures/smb2.pcap");

/** Runs the command with what it prints caught. */
async function aodPackets(...argv: string[]): Promise<{ readonly out: string; readonly error?: unknown }> {
  const write = process.stdout.write;
  let out = "";
  process.stdout.write = (piece: string | Uint8Array): boolean => {
    out += typeof piece === "string" ? piece : Buffer.from(piece).toString();
    return true;
  };
  try {
    const command = build()
      .exitOverride()
      .configureOutput({ outputError: () => {} });
    await command.parseAsync(argv, { from: "user" });
    return { out };
  } catch (error) {
    return { out, error };
  } finally {
    process.stdout.write = write;
  }
}

function withFile(content: Buffer, work: (path: string) => Promise<void>): Promise<void> {
  return withDir(async (directory) => {
    const path = join(directory, "file.pcap");
    writeFileSync(path, content);
    await work(path);
  });
}

describe("aod packets", () => {
  it("prints one object a line", async () => {
    const { out, error } = await aodPackets(fixture, "--json");
    assert.equal(error, undefined);
    const lines = out
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    assert.deepEqual(
      lines.map(({ type }) => type),
      ["capture", "connection", "total"],
    );
    assert.equal(lines[1].smb.choice.dialect, "3.1.1");
  });

  it("prints connections and what they say", async () => {
    const { out } = await aodPackets(fixture);
    assert.match(out, /client: Linux 6\.12, cifs module 2\.51/);
    assert.match(out, /tree +\\\\127\.0\.0\.1\\share: STATUS_SUCCESS, disk/);
    assert.match(out, /15 SMB2_CREATE STATUS_OBJECT_NAME_NOT_FOUND/);
    const { out: short } = await aodPackets(fixture, "--connections", "0");
    assert.match(short, /SMB 3\.1\.1/);
    assert.doesNotMatch(short, /SMB2_CREATE/);
  });

  it("says of a foreign file what it is, with status 2", async () => {
    const whole = readFileSync(fixture);
    const cases: readonly (readonly [content: Buffer, expected: RegExp])[] = [
      [Buffer.alloc(0), /is empty: expected a pcap or pcapng file$/],
      [Buffer.from("#!/bin/sh\necho hello, this is a script\n"), /is no capture: expected a pcap or pcapng file/],
      [gzipSync(whole), /is compressed: gunzip it first$/],
      [whole.subarray(0, 10), /is cut off within its header/],
    ];
    for (const [content, expected] of cases) {
      await withFile(content, async (path) => {
        const { out, error } = await aodPackets(path);
        assert.equal(out, "");
        assert.ok(error instanceof Error && "exitStatus" in error);
        assert.equal(error.exitStatus, 2);
        assert.match(error.message, expected);
        assert.doesNotMatch(error.message, /\n/);
      });
    }
    for (const [path, expected] of [
      ["/nonexistent.pcap", /cannot be read: ENOENT/],
      ["/proc", /is a directory/],
    ] as const) {
      const { error } = await aodPackets(path);
      assert.ok(error instanceof Error && expected.test(error.message));
    }
  });

  it("says what it has of a file that is cut off, and where it ends, with status 2", () =>
    withFile(readFileSync(fixture).subarray(0, 20_000), async (path) => {
      const { out, error } = await aodPackets(path);
      assert.match(out, /SMB 3\.1\.1/);
      assert.ok(error instanceof Error && "exitStatus" in error);
      assert.equal(error.exitStatus, 2);
      assert.match(error.message, /is cut off at byte \d+: within packet \d+$/);
    }));

  it("looks into the ports that it is told", async () => {
    const other = Buffer.from(readFileSync(fixture));
    const format = readFormat(other);
    assert.ok(format !== undefined);
    for (const { data } of readPackets(other, format)) {
      // Ethernet, IPv4 without options.
      for (const at of [34, 36]) if (data.readUInt16BE(at) === 445) data.writeUInt16BE(4450, at);
    }
    await withFile(other, async (path) => {
      assert.match((await aodPackets(path)).out, /no TCP connection of SMB or NFS/);
      assert.match((await aodPackets(path, "--smb-port", "4450")).out, /SMB 3\.1\.1/);
    });
    const { error } = await aodPackets(fixture, "--smb-port", "0");
    assert.ok(error instanceof Error && /expected a port/.test(error.message));
  });
});
