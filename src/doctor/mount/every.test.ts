import assert from "node:assert/strict";
import { test } from "node:test";
import { fakeMachine } from "../network/fixture.ts";
import { summaryText } from "../text.ts";
import { examineEvery } from "./every.ts";

const signal = new AbortController().signal;
const lines = (count: number): string =>
  Array.from({ length: count }, (_, at) => `//gone${at}/share /mnt/${at} cifs guest 0 0`).join("\n");

test("an answer for every mount and every wrong line, with what asks for it, and a summary", async (t) => {
  const machine = fakeMachine(t, {
    files: { "etc/fstab": `//files /mnt/x cifs guest 0 0\n${lines(1)}\nnas:/srv /mnt/n nfs4 defaults 0 0\n` },
    names: { nas: ["192.0.2.7"] },
    reach: { "192.0.2.7": "ECONNREFUSED" },
    programs: { "mount.nfs": { stdout: "mount.nfs: (linux nfs-utils 2.6.2)\n" } },
  });
  const answers = await examineEvery(machine, false, signal);
  assert.deepEqual(
    answers.map(({ subject, from, verdict }) => [subject, from, verdict.cause]),
    [
      ["//files on /mnt/x", "/etc/fstab", "mount.share-not-found"],
      ["//gone0/share on /mnt/0", "/etc/fstab", "network.name-resolution"],
      ["nas:/srv on /mnt/n", "/etc/fstab", "server.down"],
    ],
  );
  assert.ok(answers.every(({ steps }) => steps.every(({ name }) => name !== "try")));
  assert.deepEqual(summaryText(answers).split("\n"), [
    "3 looked at: 0 ok, 3 not",
    "  mount.share-not-found    //files on /mnt/x (/etc/fstab)",
    "  network.name-resolution  //gone0/share on /mnt/0 (/etc/fstab)",
    "  server.down              nas:/srv on /mnt/n (/etc/fstab)",
    "",
  ]);
});

test("no more than four are looked at at a time", async (t) => {
  const machine = fakeMachine(t, { files: { "etc/fstab": lines(10) } });
  const waiting: (() => void)[] = [];
  let ended = 0;
  let most = 0;
  // Nobody gets an answer before as many have asked as may ask at a time, or as are left.
  const network = {
    ...machine.network,
    addresses: async (name: string) => {
      const asked = new Promise<void>((resolve) => waiting.push(resolve));
      most = Math.max(most, waiting.length);
      if (waiting.length === Math.min(4, 10 - ended)) setImmediate(() => waiting.splice(0).map((go) => go()));
      await asked;
      ended += 1;
      throw Object.assign(new Error(name), { code: "ENOTFOUND" });
    },
  };
  const answers = await examineEvery({ ...machine, network }, false, signal);
  assert.equal(answers.length, 10);
  assert.equal(most, 4);
});

test("a machine without any mount has no answer", async (t) => {
  assert.deepEqual(await examineEvery(fakeMachine(t, {}), false, signal), []);
});
