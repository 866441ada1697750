import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type KernelReport, kernelsDocument, toolsOfKernels } from "./support.ts";

const ran = toolsOfKernels.map(({ name }) => ({ tool: name, firstEventMs: 1500, lines: 3, exitStatus: 0, said: "" }));
const full: KernelReport = {
  kernel: "6.12",
  release: "6.12.1",
  commit: "abc",
  date: "2026-11-22T13:05:11Z",
  probes: [
    { probe: "smb_wire", tools: ["smbslower", "smbiosnoop"], standing: "full", lacks: [], rungs: { fentry: 10 } },
    { probe: "nfs_rpc", tools: ["nfsslower"], standing: "unsupported", lacks: [], why: "no BTF" },
    {
      probe: "nfs_vfs",
      tools: ["nfsvfsslower"],
      standing: "degraded",
      lacks: ["no paths", "no mmap"],
      rungs: { kprobe: 3 },
    },
  ],
  tools: ran,
};

describe("kernelsDocument", () => {
  const text = kernelsDocument([full]);

  it("has a row for every tool", () => {
    for (const { name } of toolsOfKernels) assert.match(text, new RegExp(`^\\| \`${name}\` \\|`, "m"));
  });

  it("tells the three standings apart, with a numbered note for what is missing", () => {
    assert.match(text, /^\| `smbslower` \| full \|$/m);
    assert.match(text, /^\| `nfsslower` \| not supported \(1\) \|$/m);
    assert.match(text, /^\| `nfsvfsslower` \| degraded \(2, 3\) \|$/m);
    assert.match(text, /^1\. no BTF\n2\. no paths\n3\. no mmap$/m);
  });

  it("does not call full what showed nothing", () => {
    const mute = { ...full, tools: [{ tool: "smbslower", lines: 0, exitStatus: 1, said: "cannot\nattach" }] };
    assert.match(kernelsDocument([mute]), /^\| `smbslower` \| \*\*fails\*\* \(1\) \|$/m);
  });
});
