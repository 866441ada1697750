import assert from "node:assert/strict";
import { mkdirSync, readdirSync, rmdirSync } from "node:fs";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import type { Argv, RunOptions, RunResult } from "../../../system/process.ts";
import type { Finding } from "../../answer.ts";
import { fakeMachine } from "../../network/fixture.ts";
import { parseMountOptions } from "../options.ts";
import { Secret } from "../secret.ts";
import { parseMountTarget } from "../target.ts";
import { attempt } from "./attempt.ts";
import type { SmbCase } from "./case.ts";
import type { Who } from "./credentials.ts";
import { intentOf } from "./intent.ts";

const SECRET = "planted-5ecret";
const signal = new AbortController().signal;
const me: Who = { user: "me", password: new Secret(SECRET), from: "what was given" };

interface Tried {
  readonly findings: readonly Finding[];
  readonly ran?: { readonly argv: Argv; readonly options: RunOptions; readonly folder: boolean };
  /** What is left below /run. */
  readonly left: readonly string[];
}

async function tried(
  t: TestContext,
  { options = "", who = me, wanted = true }: { options?: string; who?: Who; wanted?: boolean },
  said: Partial<Omit<RunResult, "stdout">> = {},
): Promise<Tried> {
  const fake = fakeMachine(t, {});
  mkdirSync(join(fake.fsRoot, "run"));
  let ran: Tried["ran"];
  const machine = {
    ...fake,
    run: async (argv: Argv, options: RunOptions): Promise<RunResult> => {
      // It is there while it is mounted on.
      ran = { argv, options, folder: readdirSync(argv.at(-1) ?? "").length === 0 };
      const ok = { status: "ok", code: 0, stderr: "", truncated: false, tookMs: 1200 } as const;
      return { ...ok, ...said, stdout: Buffer.alloc(0) };
    },
  };
  const target = parseMountTarget("//files/share/dir");
  assert.ok(target.protocol === "smb");
  const request = { options: parseMountOptions(options), attempt: wanted };
  const of: SmbCase = { target, request, machine, intent: intentOf(request.options), addresses: [], who };
  const found = await attempt.run(of, signal);
  assert.ok(!JSON.stringify([found, ran?.argv, ran?.options.env]).includes(SECRET), "the password shows nowhere");
  const left = readdirSync(join(fake.fsRoot, "run"));
  return { findings: "result" in found ? [found] : found, ...(ran && { ran }), left };
}

const failed = (stderr: string) => ({ status: "failed", code: 32, stderr }) as const;

describe("--try of an SMB share", () => {
  it("mounts in a mount namespace of its own, with the password by a pipe, and leaves nothing", async (t) => {
    const { findings, ran, left } = await tried(t, {
      options: "vers=3.1.1,noauto,_netdev,x-systemd.automount,user,username=me,seal",
    });
    assert.deepEqual(findings, [{ result: "ok", evidence: "mounted for real within 1.2 s, and gone again" }]);
    assert.deepEqual(ran?.argv.slice(0, -1), [
      ...["unshare", "--mount", "--propagation", "private", "mount", "-t", "cifs"],
      ...["-o", "vers=3.1.1,_netdev,username=me,seal", "//files/share/dir"],
    ]);
    assert.equal(ran.folder, true);
    assert.equal(ran.options.input, SECRET);
    assert.equal(ran.options.env?.["PASSWD_FD"], "0");
    assert.ok((ran.options.timeoutMs ?? 0) > 0);
    assert.deepEqual(left, []);
  });

  it("is not done unless it is asked for, nor without a password", async (t) => {
    assert.deepEqual(await tried(t, { wanted: false }), { findings: [], left: [] });
    const { findings, ran } = await tried(t, { who: { user: "me" } });
    assert.equal(ran, undefined);
    assert.equal(findings[0]?.result, "skip");
  });

  it("asks for no password where nobody or a ticket logs in", async (t) => {
    const nobody = await tried(t, { options: "vers=3.0", who: {} });
    assert.ok(nobody.ran?.argv.includes("vers=3.0,guest"));
    const ticket = await tried(t, { options: "sec=krb5,cruid=1000", who: { user: "me" } });
    assert.ok(ticket.ran?.argv.includes("sec=krb5,cruid=1000"));
    for (const { ran } of [nobody, ticket]) assert.equal(ran?.options.input, undefined);
  });

  for (const [what, said, result, evidence, meaning] of [
    [
      "an errno with what it may be",
      failed("mount error(13): Permission denied\nRefer to the mount.cifs(8) manual page (e.g. man mount.cifs)\n"),
      "fail",
      /^mount error\(13\): Permission denied$/,
      /EACCES.*13 is auth\.bad-credentials .*, or auth\.account-disabled/,
    ],
    ["words without a number", failed("mount: bad option\n"), "fail", /bad option/, /mount refused it/],
    ["a server that hangs", { status: "timeout", code: null }, "fail", /was killed/, /does not answer the kernel/],
    ["who is not root", failed("unshare: unshare failed: Operation not permitted\n"), "skip", /needs root/, /^$/],
    [
      "no unshare",
      { status: "missing", code: null, reason: "unshare is not installed" },
      "skip",
      /not installed/,
      /^$/,
    ],
  ] as const) {
    it(`tells ${what}, and leaves nothing`, async (t) => {
      const { findings, left } = await tried(t, {}, said);
      assert.equal(findings[0]?.result, result);
      assert.match(findings[0]?.evidence ?? "", evidence);
      assert.match(findings[0]?.meaning ?? "", meaning);
      assert.deepEqual(left, []);
    });
  }

  it("what the mount left in the folder is not removed", async (t) => {
    const fake = fakeMachine(t, {});
    mkdirSync(join(fake.fsRoot, "run"));
    let folder = "";
    const run = async (argv: Argv): Promise<RunResult> => {
      folder = argv.at(-1) ?? "";
      mkdirSync(join(folder, "kept"));
      return { status: "ok", code: 0, stdout: Buffer.alloc(0), stderr: "", truncated: false, tookMs: 1 };
    };
    const target = parseMountTarget("//files/share");
    assert.ok(target.protocol === "smb");
    const request = { options: parseMountOptions(""), attempt: true };
    const intent = intentOf(request.options);
    const of: SmbCase = { target, request, machine: { ...fake, run }, intent, addresses: [], who: {} };
    await assert.rejects(async () => attempt.run(of, signal), { code: "ENOTEMPTY" });
    rmdirSync(join(folder, "kept"));
  });
});
