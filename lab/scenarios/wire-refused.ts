import assert from "node:assert/strict";
import { mountCifs } from "../guest/cifs.ts";
import { freezeSamba, smbdPids, startSamba, thawSamba } from "../guest/samba.ts";
import { WireLog, type WireSaid } from "../guest/wire-log.ts";
import { smbWireLines } from "../kernels.ts";
import { defineScenario } from "../scenario.ts";

const root = "/mnt/share";

export default defineScenario({
  name: "wire-refused",
  summary: "requests that the client refuses to make, or the socket to take, are operations with their errno",
  kernels: smbWireLines,
  timeLimitSeconds: 200,

  async setup(lab) {
    await startSamba(lab);
    await mountCifs(lab, { options: { cache: "none", closetimeo: 0, echo_interval: 600, actimeo: 0 } });
  },

  async timeline(lab) {
    const log = await WireLog.start(lab, { params: true });
    const server = smbdPids().sort((left, right) => left - right);
    await lab.step("writers fill the socket of a frozen server, others wait for the connection's lock", async () => {
      for (const n of [1, 2, 3, 4])
        lab.start(["dd", "if=/dev/zero", `of=${root}/file-${n}`, "bs=4M", "count=8", "oflag=direct", "status=none"]);
      await lab.sleep(2);
      freezeSamba(lab);
      await lab.sleep(2);
    });
    const names = [1, 2, 3, 4, 5, 6].map((n) => lab.start(["stat", `${root}/missing-${n}`]));
    await lab.sleep(2);
    await lab.step("one of them is killed, then the server's process goes", async () => {
      for (const one of names.slice(0, 1)) process.kill(one.pid, "SIGKILL");
      await lab.sleep(0.5);
      for (const pid of server.slice(1)) process.kill(pid, "SIGKILL");
      thawSamba();
    });
    await lab.until("all have ended", 60, () => names.every((one) => !one.running));
    await lab.sleep(2);
    lab.writeJson("said.json", await log.stop(lab));
  },

  expect(results) {
    const { ops, losses } = results.json("said.json") as WireSaid;
    assert.deepEqual(
      losses.filter(({ kind }) => kind !== "unseen"),
      [],
    );
    const ended = (end: string) => ops.filter((op) => op.end === end);
    const notMade = ended("not-made");
    const sendFailed = ended("send-failed");
    const told = [...new Set(ops.map((op) => `${op.command} ${op.end} ${op.errno}`))].sort().join("; ");
    assert.ok(notMade.length > 0, `not made: none of ${told}`);
    assert.ok(sendFailed.length > 0, `send failed: none of ${told}`);
    for (const op of notMade) {
      assert.equal(op.errno, 11, JSON.stringify(op));
      assert.deepEqual(
        Object.keys(op.phases).filter((phase) => phase !== "queue"),
        [],
      );
      assert.equal(op.status, undefined);
      assert.ok(op.fixed !== undefined, "with its parameters");
    }
    for (const op of sendFailed) assert.ok([11, 103, 512].includes(op.errno ?? 0), JSON.stringify(op));
    assert.ok(ops.some((op) => op.command === "SMB2_CREATE" && op.name?.startsWith("missing-")));
  },
});
