import assert from "node:assert/strict";
import { commandName } from "../../src/smb/commands.ts";
import { parseStats } from "../../src/smb/stats.ts";
import { messageOf } from "../../src/system/error.ts";
import { mountCifs, readProcCifs } from "../guest/cifs.ts";
import type { Lab } from "../guest/lab.ts";
import { startSamba } from "../guest/samba.ts";
import { type LoggedOp, WireLog, type WireSaid } from "../guest/wire-log.ts";
import { smbWireLines } from "../kernels.ts";
import { defineScenario } from "../scenario.ts";

const needed = ["create", "create_async", "release"];
const optional = ["credits", "mtu_credits", "send", "answer", "read_answer", "deferred_close", "write", "reconnect"];

interface Round {
  /** Command -> released meanwhile. */
  readonly stats: Readonly<Record<string, number>>;
  readonly said: Readonly<Record<string, WireSaid>>;
}

function released(): Record<string, number> {
  const [connection] = parseStats(readProcCifs("Stats")).connections;
  return Object.fromEntries((connection?.commands ?? []).map(({ command, number }) => [commandName(command), number]));
}

/** A probe for each of `hidden`, all at once, and the same work for all. */
async function round(lab: Lab, root: string, hidden: readonly string[]): Promise<Round> {
  const logs: [string, WireLog][] = [];
  for (const hide of hidden) logs.push([hide, await WireLog.start(lab, { hide: [hide] })]);
  const before = released();
  await lab.run(["dd", "if=/dev/zero", `of=${root}/file`, "bs=4k", "count=3", "conv=fsync", "status=none"]);
  await lab.run(["dd", `if=${root}/file`, "of=/dev/null", "bs=4k", "status=none"]);
  await lab.run(["rm", `${root}/file`]);
  await lab.sleep(1);
  const after = released();
  const deltas = Object.entries(after).map(([command, number]) => [command, number - (before[command] ?? 0)] as const);
  const said: Record<string, WireSaid> = {};
  for (const [hide, log] of logs) said[hide] = await log.stop(lab);
  return { stats: Object.fromEntries(deltas.filter(([, count]) => count > 0)), said };
}

function judge(
  { stats, said }: Round,
  rungOf: (role: string) => string,
  lacks: (role: string) => readonly string[],
): void {
  for (const [hide, { hooks, ops, losses }] of Object.entries(said)) {
    const [role = ""] = hide.split(":");
    const without = lacks(role);
    for (const hook of hooks) {
      const unneeded = hook.why?.startsWith("not needed") === true;
      const expected = unneeded ? "none" : hook.name === role ? rungOf(role) : "fentry";
      assert.equal(hook.rung, expected, `${hide}: ${hook.name}: ${hook.why}`);
      if (hook.name === role && !unneeded) assert.equal(hook.why, "hidden by --hide");
    }
    assert.deepEqual(losses, [], hide);
    const counts: Record<string, number> = {};
    for (const { command } of ops) counts[command] = (counts[command] ?? 0) + 1;
    assert.deepEqual(counts, stats, `without ${hide} every request is still there`);
    const phases = (command: string): string =>
      Object.keys(ops.find((op) => op.command === command)?.phases ?? {}).join();
    const having = (...names: string[]): string => names.filter((name) => !without.includes(name)).join();
    assert.equal(phases("SMB2_FLUSH"), having("queue", "send", "wire", "wake"), hide);
    assert.equal(phases("SMB2_READ"), having("read queue", "send", "wire").replace("read queue", "queue"), hide);
    const late = (op: LoggedOp): boolean => op.late;
    assert.equal(ops.some(late), role === "answer" && without.length > 0, `${hide}: answers seen late`);
  }
}

/** What an op lacks when a role is not played at all. */
const lacking: Readonly<Record<string, readonly string[]>> = {
  credits: ["queue"],
  mtu_credits: ["read queue"],
  send: ["send", "wire"],
  answer: ["wake"],
};

export default defineScenario({
  name: "ladder-hooks",
  summary: "each hook of the wire probe hidden, and moved to the lower rung, one at a time",
  kernels: smbWireLines,
  timeLimitSeconds: 300,

  async setup(lab) {
    await startSamba(lab);
    await mountCifs(lab, { options: { cache: "none", closetimeo: 0, echo_interval: 600, actimeo: 0 } });
  },

  async timeline(lab) {
    const root = "/mnt/share";
    await lab.step("hidden", async () => lab.writeJson("hidden.json", await round(lab, root, optional)));
    const onKprobe = [...needed, ...optional].map((role) => `${role}:fentry`);
    await lab.step("on the lower rung", async () => lab.writeJson("lower.json", await round(lab, root, onKprobe)));
    await lab.step("without what is needed", async () => {
      const refused: Record<string, string> = {};
      for (const role of needed) {
        refused[role] = await WireLog.start(lab, { hide: [role] }).then(() => "it runs", messageOf);
      }
      lab.writeJson("refused.json", refused);
    });
  },

  expect(results) {
    judge(
      results.json("hidden.json") as Round,
      () => "none",
      (role) => lacking[role] ?? [],
    );
    judge(
      results.json("lower.json") as Round,
      () => "kprobe",
      () => [],
    );
    for (const [role, said] of Object.entries(results.json("refused.json") as Record<string, string>))
      assert.match(said, /smb_wire cannot attach to .*: hidden by --hide/, role);
  },
});
