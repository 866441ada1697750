import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { thisMachine } from "../machine.ts";
import { kernelAndModules } from "./kernel.ts";

test("the kernel's release and the modules with their versions are told", async (t) => {
  const root = mkdtempSync(join(tmpdir(), "aod-doctor-"));
  t.after(() => rmSync(root, { recursive: true }));
  const write = (path: string, text: string): void => {
    mkdirSync(join(root, path, ".."), { recursive: true });
    writeFileSync(join(root, path), text);
  };
  write("proc/sys/kernel/osrelease", "6.12.1-amd64\n");
  write("sys/module/cifs/initstate", "live\n");
  write("sys/module/cifs/version", "2.51\n");
  write("sys/module/sunrpc/initstate", "live\n");
  const machine = { ...thisMachine(), procRoot: join(root, "proc"), sysRoot: join(root, "sys") };
  assert.deepEqual(await kernelAndModules.run(machine, new AbortController().signal), [
    { result: "ok", evidence: "Linux 6.12.1-amd64" },
    { result: "ok", evidence: "cifs 2.51 is loaded" },
    { result: "skip", evidence: "nfs is not loaded" },
    { result: "skip", evidence: "nfsv4 is not loaded" },
    { result: "ok", evidence: "sunrpc is loaded" },
  ]);
});
