import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { withDir } from "../../system/fixture.ts";
import { packetHeader, pcapHeader, readFormat, readPackets } from "../pcap.ts";
import type { ConnectionReport } from "../report.ts";
import { analyse } from "../testing/analyse.ts";
import { keyFileText, parseHelperLine, readKeyFile } from "./key-file.ts";

const captures = join(import.meta.dirname, "../../../test/fixtures/captures");
const capture = join(captures, "smb3-encrypted.pcap");
const keyFile = join(captures, "smb3-encrypted.keys");
const bytes = readFileSync(capture);

/** Headers of SMB2: requests, answers, and what comes unasked. */
function headers({ smb }: ConnectionReport): number {
  const commands = smb?.commands ?? [];
  return (
    (smb?.notifications ?? 0) +
    commands.reduce((sum, { requests, answered }) => sum + requests + answered, smb?.pending ?? 0)
  );
}

describe("encrypted sessions", () => {
  it("without keys are named as such, and nothing of them is seen", () => {
    const { connections } = analyse(bytes);
    assert.equal(connections.length, 3);
    for (const { smb } of connections) {
      const [session] = smb?.sessions ?? [];
      assert.ok((session?.encrypted?.to_server ?? 0) > 20);
      assert.equal(session?.encrypted?.decrypted, 0);
      assert.deepEqual(smb?.trees, []);
      assert.equal(
        smb?.commands.find(({ name }) => name === "SMB2_CREATE"),
        undefined,
      );
    }
  });

  it("are read with their keys, whatever the cipher is", () => {
    const { connections } = analyse(bytes, { keys: readKeyFile(keyFile) });
    for (const { smb } of connections) {
      const { encrypted } = smb?.sessions[0] ?? {};
      assert.equal(encrypted?.decrypted, (encrypted?.to_server ?? 0) + (encrypted?.to_client ?? 0));
      assert.equal(smb?.encrypted.messages, 0);
      assert.deepEqual(
        smb?.trees.map(({ path, status }) => [path, status]),
        [
          ["\\\\127.0.0.1\\IPC$", "STATUS_SUCCESS"],
          ["\\\\127.0.0.1\\share", "STATUS_SUCCESS"],
        ],
      );
      assert.deepEqual(smb?.commands.find(({ name }) => name === "SMB2_CREATE")?.errors, 1);
      assert.equal(smb?.unmatched_responses, 0);
    }
  });

  it("are read as far as they were captured", () => {
    const format = readFormat(bytes);
    assert.ok(format !== undefined);
    const cut = [...readPackets(bytes, format)].map((packet) => ({ ...packet, data: packet.data.subarray(0, 200) }));
    const file = Buffer.concat([pcapHeader(format), ...cut.flatMap((packet) => [packetHeader(packet), packet.data])]);
    const { connections } = analyse(file, { keys: readKeyFile(keyFile) });
    for (const { smb } of connections) {
      assert.equal(smb?.encrypted.messages, 0);
      assert.ok(smb?.commands.some(({ name }) => name === "SMB2_CREATE"));
    }
  });

  it("stay closed to the keys of others", () => {
    const others = readKeyFile(keyFile).map((keys) => ({ ...keys, toServer: keys.toClient, toClient: keys.toServer }));
    const { connections } = analyse(bytes, { keys: others });
    for (const { smb } of connections) assert.equal(smb?.encrypted.decrypted, 0);
  });

  const tshark = spawnSync("tshark", ["--version"]).status === 0;
  it("have for tshark, by the settings that aod keys prints, as many headers", {
    skip: tshark ? false : "tshark is not installed",
  }, () => {
    const directory = mkdtempSync(join(tmpdir(), "aod-tshark-"));
    try {
      symlinkSync(keyFile, join(directory, "smb2_seskey_list"));
      const argv = ["-r", capture, "-Y", "smb2.header_len", "-T", "fields", "-e", "tcp.stream", "-e", "smb2.cmd"];
      const env = { ...process.env, WIRESHARK_CONFIG_DIR: directory };
      const { stdout } = spawnSync("tshark", argv, { encoding: "utf8", env });
      const counts = [0, 0, 0];
      for (const line of stdout.trim().split("\n")) {
        const [stream = "", commands = ""] = line.split("\t");
        counts[Number(stream)] = (counts[Number(stream)] ?? 0) + commands.split(",").length;
      }
      const { connections } = analyse(bytes, { keys: readKeyFile(keyFile) });
      assert.deepEqual(counts, connections.map(headers));
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});

describe("the file of keys", () => {
  const line = `0102030405060708 2 ${"a1".repeat(16)} ${"b2".repeat(16)} ${"c3".repeat(16)}\n`;

  it("is written from what the helper says, and read again", () =>
    withDir(async (directory) => {
      const keys = parseHelperLine(line);
      assert.ok(keys !== undefined);
      assert.equal(keys.session, "0x807060504030201");
      const text = keyFileText([keys]);
      // In Wireshark's order: the key to the client first.
      assert.equal(
        text.split("\n").at(-2),
        `0102030405060708,${"a1".repeat(16)},${"c3".repeat(16)},${"b2".repeat(16)}`,
      );
      const path = join(directory, "keys");
      writeFileSync(path, text);
      const { session, toServer, toClient } = keys;
      assert.deepEqual(readKeyFile(path), [{ session, toServer, toClient }]);
    }));

  it("is refused with its line, but not with what stands there", () =>
    withDir(async (directory) => {
      const path = join(directory, "keys");
      for (const [text, expected] of [
        ["", /there are no keys in/],
        [`# x\n0102030405060708,${"a1".repeat(16)}\n`, /keys:2: expected SESSION,SESSION_KEY/],
      ] as const) {
        writeFileSync(path, text);
        assert.throws(() => readKeyFile(path), expected);
        assert.throws(
          () => readKeyFile(path),
          (error: Error) => !error.message.includes("a1a1"),
        );
      }
      assert.throws(() => readKeyFile(join(directory, "none")), { exitStatus: 2 });
    }));

  it("is not made of anything else that a helper says", () => {
    for (const text of ["", "x\n", line.trim(), line.replace(" 2 ", " "), line.slice(0, 60)]) {
      assert.equal(parseHelperLine(text), undefined);
    }
  });
});
