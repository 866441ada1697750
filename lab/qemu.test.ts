import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import fc from "fast-check";
import type { BootKernel } from "./cache.ts";
import { mountOptionText } from "./guest/cifs.ts";
import { impairCommands } from "./guest/faults.ts";
import { sambaConfig } from "./guest/samba.ts";
import { acceleratorArguments, defaultMachine, kernelCommandLine, machineArguments } from "./qemu.ts";
import { quoteArgv } from "./quote.ts";
import { isEmulatorFault } from "./run.ts";
import { runsToRemove } from "./vm.ts";

const kernel: BootKernel = {
  line: "6.12",
  package: "linux-image-6.12.1+deb12-amd64",
  release: "6.12.1+deb12-amd64",
  image: "/cache/vmlinuz",
  initramfs: "/cache/initramfs",
  modules: "/cache/lib/modules/6.12.1+deb12-amd64",
};

test("counting instructions means one processor, one thread and no KVM", () => {
  const args = acceleratorArguments(true, { ...defaultMachine, icount: true }).join(" ");
  assert.match(args, /^-accel tcg,thread=single -icount shift=0,sleep=off .*-smp 1$/);
  const waiting = acceleratorArguments(false, { ...defaultMachine, icount: true, idleWaits: true }).join(" ");
  assert.match(waiting, /-icount shift=0,sleep=on /);
});

test("KVM only when it works", () => {
  assert.match(acceleratorArguments(true, defaultMachine).join(" "), /^-accel kvm -cpu host/);
  assert.match(acceleratorArguments(false, defaultMachine).join(" "), /^-accel tcg,thread=multi -cpu max,/);
});

test("preemption model and further words reach the kernel", () => {
  const line = kernelCommandLine({ ...defaultMachine, preempt: "full", append: ["a=b"] });
  assert.match(line, / preempt=full a=b$/);
  assert.doesNotMatch(kernelCommandLine(defaultMachine), /preempt=/);
});

test("the host's file system is shared read-only and only the job's directory is writable", () => {
  const paths = { job: "/b/a,b/job", console: "/b/console.log" };
  const shares = machineArguments(kernel, defaultMachine, paths, { kvm: false, interactive: false }).filter((word) =>
    word.startsWith("local,"),
  );
  assert.equal(shares.length, 2);
  assert.match(shares[0] ?? "", /^local,path=\/,.*readonly=on/);
  assert.match(shares[1] ?? "", /^local,path=\/b\/a,,b\/job,mount_tag=job/);
});

test("a shell reads any quoted argv back as it was", () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.string({ unit: "grapheme" }).filter((word) => !word.includes("\0")),
        { minLength: 1, maxLength: 4 },
      ),
      (words) => {
        const { stdout } = spawnSync("sh", ["-c", `printf '%s\\0' ${quoteArgv(words)}`]);
        assert.equal(stdout.toString(), words.map((word) => `${word}\0`).join(""));
      },
    ),
    { numRuns: 25 },
  );
});

test("a later mount option replaces a default, false leaves it out", () => {
  assert.equal(
    mountOptionText({ vers: "3.1.1", ro: true }, { vers: "2.1", ro: false, actimeo: 0 }),
    "vers=2.1,actimeo=0",
  );
});

test("only traffic to port 445 is impaired", () => {
  const words = impairCommands({ delayMs: 200, lossPercent: 5 }).map((argv) => argv.join(" "));
  assert.match(words[1] ?? "", /parent 1:4 .*netem .*delay 200ms loss 5%$/);
  assert.match(words[2] ?? "", /dport 445 0xffff flowid 1:4$/);
});

test("options of a share and of the server replace the defaults", () => {
  const text = sambaConfig({ shares: { a: { "read only": "yes" } }, global: { "server min protocol": "SMB3" } });
  assert.match(text, /^\[global\]\n[^[]* {2}server min protocol = SMB3\n/);
  assert.match(text, /\[a\]\n[^[]* {2}read only = yes\n/);
  assert.doesNotMatch(text, /read only = no/);
});

test("a breakpoint exception in the kernel's log is the emulator's fault, an ordinary oops is not", () => {
  assert.ok(isEmulatorFault("[    2.2] Oops: int3: 0000 [#1] PREEMPT SMP NOPTI"));
  assert.ok(isEmulatorFault("[    2.2] int3: 0000 [#1] PREEMPT SMP NOPTI"));
  assert.ok(!isEmulatorFault("[    2.2] Oops: 0000 [#1] PREEMPT SMP NOPTI"));
});

test("only the oldest runs are removed, and never the kept verdicts", () => {
  const names = [
    "results",
    "20261122-150000-6.1-exec-1",
    "20261121-150000-6.12-smoke-2",
    "20261120-150000-6.12-smoke-3",
  ];
  assert.deepEqual(runsToRemove(names, 2), ["20261120-150000-6.12-smoke-3"]);
  assert.deepEqual(runsToRemove(names, 3), []);
});
