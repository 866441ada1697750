import assert from "node:assert/strict";
import { chownSync, closeSync, mkdirSync, openSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { SmbOpJson } from "../../src/probe/op-json.ts";
import { startCapture } from "../guest/capture.ts";
import { mountCifs, unmount } from "../guest/cifs.ts";
import type { Lab } from "../guest/lab.ts";
import { primes, primeWorkload } from "../guest/primes.ts";
import { waitForProbe } from "../guest/probe.ts";
import { sambaUser, startSamba } from "../guest/samba.ts";
import { smbWireLines } from "../kernels.ts";
import { defineScenario } from "../scenario.ts";
import { missingOf, preemptsTasks } from "../witness/missing.ts";
import { countSmb2, flatCounts, smb2Witness } from "../witness/smb2.ts";

type SnoopJson = SmbOpJson & { readonly params?: Readonly<Record<string, string | number>> };

const options = { echo_interval: 600, actimeo: 0 };
const mounted = "/mnt/share";
const served = "/run/lab-work/samba/shares/share";
/** Names that would break a line or a column, if they could. */
const names = ["two words", "line\nbreak", "\u202eright to left", "数据库", 'quote"comma,', "tab\there", "colon:star*"];
/** How often a directory that may not be read is asked for. */
const refusals = 3;

/** Runs a tool to its end; its status and what it said. */
async function toTheEnd(lab: Lab, name: string, program: string, ...args: readonly string[]): Promise<void> {
  const ran = await lab.run(lab.aodArgv(args, program), { anyStatus: true, timeoutMs: 60_000 });
  lab.writeJson(`${name}.json`, ran);
}

function strangeNames(): void {
  mkdirSync(`${mounted}/strange`);
  for (const name of names) closeSync(openSync(`${mounted}/strange/${name}`, "w"));
}

/** Asks for what an ordinary user may not have. */
async function refused(lab: Lab): Promise<void> {
  writeFileSync(`${served}/closed`, "x", { mode: 0o600 });
  for (let n = 0; n < refusals; n++) await lab.run(["cat", `${mounted}/closed`], { anyStatus: true });
}

/** `COMMAND STATUS` -> how often */
function countsOf(ops: readonly SnoopJson[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { command, status = "none" } of ops)
    counts[`${command} ${status}`] = (counts[`${command} ${status}`] ?? 0) + 1;
  return counts;
}

export default defineScenario({
  name: "smb-tools",
  summary: "smbiosnoop shows every request with its return codes and parameters; the options of all tools; wrong use",
  kernels: smbWireLines,
  timeLimitSeconds: 600,

  async setup(lab) {
    // An ordinary user's, so that something can be refused.
    await startSamba(lab, { shares: { share: { "force user": sambaUser.name }, other: {} } });
    chownSync(served, sambaUser.uid, sambaUser.uid);
    await lab.run(["modprobe", "cifs"]);
  },

  async timeline(lab) {
    const tool = (name: string, program: string, ...args: readonly string[]) =>
      lab.start(lab.aodArgv(args, program), { stdout: `${name}.out`, stderr: `${name}.err` });
    const live = [
      tool("all", "smbiosnoop", "--json", "--record", join(lab.work, "all.aodrec")),
      tool("text", "smbiosnoop", "-v"),
    ];
    await waitForProbe(lab, live.length);
    // Both the tools and the witness see everything from the first NEGOTIATE on.
    const capture = await startCapture(lab, "smb", 445);
    await mountCifs(lab, { options });
    await lab.step("workload of primes", () => {
      mkdirSync(`${mounted}/work`);
      primeWorkload(`${mounted}/work`);
    });
    await lab.step("strange names", strangeNames);
    await lab.step("refused", () => refused(lab));
    await lab.step("another share comes and goes", async () => {
      await mountCifs(lab, { share: "other", options });
      readdirSync("/mnt/other");
      statSync("/mnt/other");
      await unmount(lab, "/mnt/other");
    });
    await lab.sleep(2);
    await capture.stop();
    lab.writeJson("ended.json", await Promise.all(live.map((one) => one.stop("SIGINT"))));
    await lab.step("the same again from the recording, by the options of all tools", async () => {
      const again = async (name: string, program: string, ...args: readonly string[]) =>
        lab
          .run(lab.aodArgv([...args, "--replay", join(lab.work, "all.aodrec")], program), { timeoutMs: 60_000 })
          .then((ran) => {
            lab.write(`${name}.out`, ran.stdout);
            lab.write(`${name}.err`, ran.stderr);
          });
      await again("again", "smbiosnoop", "--json");
      await again("csv", "smbiosnoop", "--csv", "--comm", "cat");
      await again("errors", "smbiosnoop", "--errors", "--json");
      await again("creates", "smbiosnoop", "-c", "create", "--errno", "ENOENT", "--json");
      await again("other", "smbiosnoop", "--share", "other", "--json");
      await again("slower", "smbslower", "0", "--json");
      await again("nobody", "smbiosnoop", "--uid", "4242");
    });

    await lab.step("ends at a condition, and runs a command first", async () => {
      const stopped = tool(
        "stopped",
        "smbslower",
        "10000",
        "--stop-on",
        "status=OBJECT_NAME_NOT_FOUND",
        "--then",
        "smbslower --help",
      );
      await waitForProbe(lab);
      await lab.run(["cat", `${mounted}/missing`], { anyStatus: true });
      lab.writeJson("stopped.json", await stopped.ended);
    });
    await lab.step("a reader that has had enough", async () => {
      const head = lab.start(
        ["sh", "-c", 'exec "$0" 0 --mount /mnt/share | head -n 4', ...lab.aodArgv([], "smbslower")],
        {
          stdout: "head.out",
          stderr: "head.err",
        },
      );
      await waitForProbe(lab);
      for (let n = 0; n < 10 && head.running; n++) {
        await lab.run(["cat", `${mounted}/missing`], { anyStatus: true });
        await lab.sleep(0.5);
      }
      lab.writeJson("head.json", await head.ended);
    });
    await lab.step("wrong use", async () => {
      await toTheEnd(lab, "no-process", "smbiosnoop", "-p", "999999");
      await toTheEnd(lab, "no-mount", "smbslower", "--mount", "/run");
      await toTheEnd(lab, "no-status", "smbiosnoop", "--status", "STATUS_ACESS_DENIED");
      await toTheEnd(lab, "no-recording", "smbslower", "--replay", "/etc/passwd");
      await toTheEnd(lab, "on-mount", "smbslower", "--mount", `${mounted}/work`, "-d", "1");
    });
  },

  expect(results) {
    const read = (name: string): SnoopJson[] =>
      results
        .text(`${name}.out`)
        .split("\n")
        .filter((line) => line !== "")
        .map((line) => JSON.parse(line) as SnoopJson);
    const all = read("all");
    const witness = smb2Witness(readFileSync(results.path("smb.pcap")));
    assert.deepEqual(witness.doubts, []);
    // What a kernel with preemption makes us lose is said.
    const [, losses = ""] = /^smbiosnoop: Lost: (.*)\n$/m.exec(results.text("all.err")) ?? [];
    if (!preemptsTasks(results)) assert.equal(losses, "nothing");
    const lost = Number(/(\d+) recursion/.exec(losses)?.[1] ?? 0);
    const onWire = flatCounts(countSmb2(witness.exchanges));
    missingOf(countsOf(all), onWire, lost, "as many of each command and status as were on the wire");
    for (const op of all) assert.ok(op.errno !== undefined, `a return code: ${JSON.stringify(op)}`);

    const creates = all.filter((op) => op.command === "SMB2_CREATE");
    for (const name of names) {
      const path = `strange\\${name}`;
      assert.ok(
        creates.some((op) => op.params?.file === path),
        path,
      );
    }
    for (const op of creates) assert.ok(op.params !== undefined && "file" in op.params, JSON.stringify(op));
    const write = all.find((op) => op.command === "SMB2_WRITE");
    assert.deepEqual([write?.params?.length, write?.params?.offset], [4096, 0]);
    const negotiate = all.find((op) => op.command === "SMB2_NEGOTIATE");
    assert.equal(negotiate?.params?.dialects, "3.1.1", "vers=3.1.1 offers it alone");
    const negotiated = all.find(
      (op) => op.command === "SMB2_TREE_CONNECT" && String(op.params?.path).endsWith("other"),
    );
    assert.ok(negotiated, "the tree path of the other share");

    const missing = read("creates");
    assert.ok(missing.length >= primes.missing, `${missing.length} CREATE with ENOENT`);
    assert.ok(missing.every((op) => op.command === "SMB2_CREATE" && op.errno === 2));
    assert.ok(read("errors").every((op) => op.status_code?.startsWith("0xc")));
    const denied = read("errors").filter((op) => op.status === "STATUS_ACCESS_DENIED");
    assert.ok(denied.length >= refusals, `${denied.length} refused`);
    assert.ok(denied.every((op) => op.errno === 13));
    assert.ok(read("other").length > 0 && read("other").every((op) => op.share === "\\\\127.0.0.1\\other"));

    const text = results.text("text.out").trimEnd().split("\n");
    assert.match(
      text[0] ?? "",
      /^ENDTIME +TASK +PID +COMMAND +STATUS +ERRNO +SESSIONID +CONN_ID +LATENCY\(ms\) +SHARE +PARAMS$/,
    );
    for (const line of text.slice(1)) assert.match(line, /^\d\d:\d\d:\d\d .{14,} +SMB2_/, "one line each");
    const csv = results.text("csv.out").trimEnd().split("\n");
    assert.equal(csv[0], "TASK,PID,COMMAND,STATUS,ERRNO,SESSIONID,CONN_ID,PARAMS");
    assert.ok(csv.length > refusals && csv.slice(1).every((line) => line.startsWith("cat,")));
    assert.deepEqual(
      results.json("ended.json"),
      [0, 1].map(() => ({ status: 0, signal: null })),
    );
    assert.match(
      results.text("all.err"),
      /^smbiosnoop: \d+ operations in \d+\.\d s, \d+ failed\nsmbiosnoop: COMMAND +COUNT +FAILED/,
    );
    assert.match(results.text("all.err"), /smbiosnoop: Lost: .+\n$/);

    assert.deepEqual(results.json("stopped.json"), { status: 0, signal: null });
    assert.match(results.text("stopped.err"), /stopped by status=OBJECT_NAME_NOT_FOUND: cat \(\d+\) SMB2_CREATE \d/);
    assert.match(results.text("stopped.err"), /Usage: aod smbslower/, "what ran first");
    assert.deepEqual(results.json("head.json"), { status: 0, signal: null });
    assert.equal(results.text("head.err"), "");
    assert.equal(results.text("head.out").trimEnd().split("\n").length, 4);

    const said = (name: string): readonly [number, string] => {
      const { status, stderr } = results.json(`${name}.json`) as { status: number; stderr: string };
      return [status, stderr];
    };
    assert.deepEqual(said("no-process"), [2, "smbiosnoop: there is no process 999999\n"]);
    assert.match(said("no-mount")[1], /^smbslower: \/run is not on an SMB mount: it is on \S+ at \S+\n$/);
    assert.deepEqual(said("no-status"), [
      2,
      'smbiosnoop: --status: there is no status "STATUS_ACESS_DENIED": did you mean "STATUS_ACCESS_DENIED"?\n',
    ]);
    assert.match(said("no-recording")[1], /^smbslower: \/etc\/passwd is no recording/);
    for (const name of ["no-mount", "no-recording"]) assert.equal(said(name)[0], 2, name);
    assert.equal(said("on-mount")[0], 0);
  },
});
