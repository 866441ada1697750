import assert from "node:assert/strict";
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { withDir } from "../system/fixture.ts";
import type { RunResult } from "../system/process.ts";
import { keys } from "./keys.ts";

const mountinfo = `22 1 0:20 / / rw - ext4 /dev/sda1 rw
60 22 0:45 / /mnt/orchard rw - cifs //server/orchard rw,vers=3.1.1
61 22 0:46 / /mnt/exports rw - nfs4 server:/exports rw,vers=4.2
`;
const secrets = ["a1".repeat(16), "b2".repeat(16), "c3".repeat(16)];
const line = `0102030405060708 2 ${secrets.join(" ")}\n`;
const ended: RunResult = { status: "ok", code: 0, stdout: Buffer.alloc(0), stderr: "", truncated: false, tookMs: 1 };

interface Done {
  readonly out: string;
  readonly asked: readonly string[][];
  readonly error?: Error & { readonly exitStatus?: number };
}

async function run(paths: readonly string[], out: string, result: Partial<RunResult>, json?: true): Promise<Done> {
  const asked: string[][] = [];
  let printed = "";
  const world = {
    run: async (argv: readonly string[]) => {
      asked.push([...argv]);
      return { ...ended, ...result, ...(result.stdout === undefined ? {} : { stdout: Buffer.from(result.stdout) }) };
    },
    helper: "/lib/aod-probe",
    mountinfo,
    cwd: "/",
  };
  const options = { out, timeout: 10, ...(json === undefined ? {} : { json }) };
  try {
    await keys(paths, options, world, (text) => {
      printed += `${text}\n`;
    });
    return { out: printed, asked };
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return { out: printed, asked, error };
  }
}

describe("aod keys", () => {
  it("writes a file for its owner alone, prints how to use it, and keys nowhere else", () =>
    withDir(async (directory) => {
      const file = join(directory, "orchard.keys");
      const { out, asked, error } = await run(["/mnt/orchard", "/mnt/orchard/a"], file, { stdout: Buffer.from(line) });
      assert.equal(error, undefined);
      assert.deepEqual(asked[0], ["/lib/aod-probe", "--keys", "/mnt/orchard"]);
      assert.equal(statSync(file).mode & 0o777, 0o600);
      const text = readFileSync(file, "utf8");
      // Both paths have one session.
      assert.equal(text.match(/^0102030405060708,/gm)?.length, 1);
      assert.match(out, /session 0x807060504030201 \(AES-128-GCM\)/);
      assert.match(out, /WARNING/);
      assert.match(out, /WIRESHARK_CONFIG_DIR=\S+ tshark/);
      for (const secret of secrets) {
        assert.ok(text.includes(secret));
        assert.ok(!out.includes(secret));
      }
    }));

  it("prints as JSON the file and the sessions", () =>
    withDir(async (directory) => {
      const file = join(directory, "orchard.keys");
      const { out } = await run(["/mnt/orchard"], file, { stdout: Buffer.from(line) }, true);
      assert.deepEqual(JSON.parse(out), { file, sessions: [{ id: "0x807060504030201", cipher: "AES-128-GCM" }] });
    }));

  it("asks for nothing where the file is there, lies on a network mount, or the path is not on an SMB mount", () =>
    withDir(async (directory) => {
      const there = join(directory, "there");
      writeFileSync(there, "");
      for (const [path, out, expected] of [
        ["/mnt/orchard", there, /is there already: name a new file/],
        ["/mnt/orchard", "/mnt/exports/keys", /lies on the network mount \/mnt\/exports/],
        ["/mnt/exports", join(directory, "new"), /not on an SMB mount: the SMB mounts are \/mnt\/orchard/],
        ["/home", join(directory, "new"), /not on an SMB mount/],
      ] as const) {
        const { asked, error } = await run([path], out, { stdout: Buffer.from(line) });
        assert.deepEqual(asked, []);
        assert.equal(error?.exitStatus, 2);
        assert.match(error?.message ?? "", expected);
      }
    }));

  it("makes no file when there are no keys, and says why", () =>
    withDir(async (directory) => {
      const file = join(directory, "new");
      const cases: readonly (readonly [result: Partial<RunResult>, status: number, expected: RegExp])[] = [
        [{ status: "timeout", code: null, reason: "killed" }, 1, /did not answer within 10 s/],
        [{ status: "failed", code: 3, stderr: "the session is not encrypted\n" }, 3, /^the session is not encrypted$/],
        [{ status: "failed", code: 1, stderr: "/mnt/orchard: Stale file handle\n" }, 1, /Stale file handle$/],
        [{ status: "missing", code: null }, 1, /is not there: build it/],
        [{ stdout: Buffer.from("what?\n") }, 1, /said something else than keys/],
      ];
      for (const [result, status, expected] of cases) {
        const { error } = await run(["/mnt/orchard"], file, result);
        assert.equal(error?.exitStatus, status);
        assert.match(error?.message ?? "", expected);
        assert.equal(existsSync(file), false);
      }
    }));
});
