import assert from "node:assert/strict";
import {
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { mountCifs } from "../guest/cifs.ts";
import { startSamba } from "../guest/samba.ts";
import { type LoggedOp, WireLog, type WireSaid } from "../guest/wire-log.ts";
import { smbWireLines } from "../kernels.ts";
import type { Results } from "../results.ts";
import { defineScenario } from "../scenario.ts";

const secret = "what is in the file is nobody's business";
const names = { plain: "plain.txt", wide: "breit ß 漢字 𝄞.txt", newline: "two\nlines", long: "x".repeat(200) };
const root = "/mnt/share/params";
const deep = `${root}/${"d".repeat(200)}`;

function work(): void {
  mkdirSync(root, { recursive: true });
  for (const name of Object.values(names)) writeFileSync(`${root}/${name}`, secret);
  assert.equal(readFileSync(`${root}/${names.plain}`, "utf8"), secret);
  mkdirSync(deep, { recursive: true });
  writeFileSync(`${deep}/${names.long}`, secret);
  renameSync(`${root}/${names.plain}`, `${root}/renamed.txt`);
  readdirSync(root);
  assert.throws(() => statSync(`${root}/missing`), { code: "ENOENT" });
  closeSync(openSync(`${root}/renamed.txt`, "r"));
}

/** What each command's fixed part is long, in bytes: MS-SMB2 2.2.3 to 2.2.39. */
const fixedSizes: Readonly<Record<string, number>> = {
  SMB2_SESSION_SETUP: 24,
  SMB2_LOGOFF: 4,
  SMB2_TREE_CONNECT: 8,
  SMB2_TREE_DISCONNECT: 4,
  SMB2_CREATE: 56,
  SMB2_CLOSE: 24,
  SMB2_FLUSH: 24,
  SMB2_READ: 48,
  SMB2_WRITE: 48,
  SMB2_IOCTL: 56,
  SMB2_ECHO: 4,
  SMB2_QUERY_DIRECTORY: 32,
  SMB2_QUERY_INFO: 40,
  SMB2_SET_INFO: 32,
};

function judge(said: WireSaid, fentry: boolean): void {
  for (const hook of said.hooks)
    assert.equal(hook.rung, hook.why?.startsWith("not needed") ? "none" : fentry ? "fentry" : "kprobe", hook.name);
  const of = (command: string): LoggedOp[] => said.ops.filter((op) => op.command === command);
  assert.deepEqual(
    said.losses.filter((loss) => loss.kind !== "unseen"),
    [],
  );
  assert.equal(said.unclaimed, 0, "parameters of an op that did not come");
  for (const op of said.ops) {
    assert.ok(op.fixed !== undefined, `${op.command} ${op.seq} came without its parameters`);
    assert.equal(op.fixed.length % 2, 0);
    const expected = fixedSizes[op.command];
    if (expected !== undefined) assert.equal(op.fixed.length / 2, expected, op.command);
    const named = ["SMB2_CREATE", "SMB2_TREE_CONNECT", "SMB2_QUERY_DIRECTORY"].includes(op.command);
    if (!named) assert.equal(op.name, "", op.command);
    assert.equal(op.uid, 0);
  }
  const [negotiate] = of("SMB2_NEGOTIATE");
  // vers=3.1.1 offers one dialect: 36 bytes, then 0x0311.
  assert.equal(negotiate?.fixed?.slice(72), "1103");
  const trees = of("SMB2_TREE_CONNECT").map((op) => op.name);
  assert.ok(trees.includes("\\\\127.0.0.1\\share"), trees.join());
  assert.ok(trees.includes("\\\\127.0.0.1\\IPC$"), trees.join());
  const created = new Set(of("SMB2_CREATE").map((op) => op.name));
  // A character that SMB has no place for is mapped into the private use area by the client.
  for (const name of [...Object.values(names), "renamed.txt", "missing"])
    assert.ok(created.has(`params\\${name.replace("\n", "\uf00a")}`), `${name} in ${[...created].join(" | ")}`);
  // 512 bytes of a longer name
  assert.ok(created.has(`params\\${"d".repeat(200)}\\${names.long}`.slice(0, 256)), "a name that is cut off");
  assert.ok(of("SMB2_QUERY_DIRECTORY").every((op) => op.name === "*"));
  const writes = of("SMB2_WRITE");
  assert.equal(writes.length, 5);
  for (const op of writes) assert.equal(Buffer.from(op.fixed ?? "", "hex").readUInt32LE(4), secret.length, "Length");
  assert.doesNotMatch(JSON.stringify(said.ops), new RegExp(Buffer.from(secret.slice(0, 4)).toString("hex")), "data");
}

export default defineScenario({
  name: "params",
  summary: "what each request asks for comes with it, on both rungs: fixed parts and names, never data",
  kernels: smbWireLines,
  timeLimitSeconds: 180,

  async setup(lab) {
    await startSamba(lab);
    // The module has to be there before the probes.
    await lab.run(["modprobe", "cifs"]);
  },

  async timeline(lab) {
    const fentry = await WireLog.start(lab, { params: true });
    const kprobe = await WireLog.start(lab, { params: true, fentry: false });
    await lab.step("mount", () => mountCifs(lab, { options: { closetimeo: 0, actimeo: 0, cache: "none" } }));
    await lab.step("work", work);
    await lab.sleep(1);
    lab.writeJson("fentry.json", await fentry.stop(lab));
    lab.writeJson("kprobe.json", await kprobe.stop(lab));
  },

  expect(results: Results) {
    judge(results.json("fentry.json") as WireSaid, true);
    judge(results.json("kprobe.json") as WireSaid, false);
  },
});
