import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { isItemName } from "../bundle/layout.ts";
import { cifsSettings } from "./cifs-settings.ts";
import { cifsState } from "./cifs-state.ts";
import { collectAll, contextOf } from "./fixture.ts";
import { kernelLogCapture } from "./kernel-log.ts";
import { mountTable } from "./mount-table.ts";
import { captures } from "./registry.ts";
import { sockets } from "./sockets.ts";
import { systemSamples } from "./system-samples.ts";

describe("captures", () => {
  it("have names of their own, none that one of their files has", async () => {
    assert.equal(new Set(captures.map(({ name }) => name)).size, captures.length);
    const names: string[] = captures.map(({ name }) => name);
    for (const capture of captures) names.push(...(await collectAll(capture.collect(contextOf()))).keys());
    assert.equal(new Set(names).size, names.length, names.join(" "));
    assert.ok(names.every((name) => isItemName(`open/${name}`)));
  });

  for (const kernel of ["6.1", "6.12"]) {
    it(`take the client's state of ${kernel} as it is`, async () => {
      const context = contextOf({}, kernel);
      const files = await collectAll(cifsState.collect(context));
      assert.deepEqual([...files.keys()], ["DebugData", "Stats", "open_files", "open_dirs", "dfscache"]);
      for (const name of ["open_dirs", "dfscache"]) assert.equal(files.get(name)?.status, "absent");
      for (const [name, file] of [...files].slice(0, 3)) {
        const path = join(context.procRoot, "fs/cifs", name);
        assert.deepEqual([file.text, file.source, file.status], [await readFile(path, "utf8"), path, undefined]);
      }
    });

    it(`take the settings of ${kernel}`, async () => {
      const files = await collectAll(cifsSettings.collect(contextOf({}, kernel)));
      assert.match(
        files.get("cifs_parameters")?.text ?? "",
        /^CIFSMaxBufSize=16384\n(.+=.+\n)*slow_rsp_threshold=1\n$/,
      );
      assert.match(files.get("mount_params")?.text ?? "", /^user_xattr:noflag\n/);
    });
  }

  it("say what is absent without the module", async () => {
    const bare = contextOf({ procRoot: "/nowhere", sysRoot: "/nowhere" });
    for (const capture of [cifsState, cifsSettings, mountTable]) {
      for (const file of (await collectAll(capture.collect(bare))).values()) {
        assert.deepEqual([file.status, file.content], ["absent", undefined], file.name);
      }
    }
  });

  it("fall back to their own mounts where process 1 is hidden", async () => {
    const { procRoot } = contextOf();
    const first = await collectAll(mountTable.collect(contextOf()));
    assert.equal(first.get("mounts")?.source, join(procRoot, "1/mounts"));
    const own = await collectAll(mountTable.collect(contextOf({ procRoot: "/nowhere" })));
    assert.equal(own.get("mounts")?.source, "/nowhere/self/mounts");
  });

  it("take the sockets from ss", async () => {
    const asked: (readonly string[])[] = [];
    const run = async (argv: readonly string[]) => {
      asked.push(argv);
      return {
        status: "ok" as const,
        code: 0,
        stdout: Buffer.from("ESTAB 0 0\n"),
        stderr: "",
        truncated: true,
        tookMs: 1,
      };
    };
    const files = await collectAll(sockets.collect(contextOf({ run })));
    assert.deepEqual(asked, [["ss", "-tinmoH", "dst", "127.0.0.1:445"]]);
    assert.deepEqual([...files.keys()], ["sockets.txt"]);
    assert.deepEqual([files.get("sockets.txt")?.text, files.get("sockets.txt")?.status], ["ESTAB 0 0\n", "truncated"]);
  });

  it("take them from /proc/net without it, and say so", async () => {
    const files = await collectAll(sockets.collect(contextOf()));
    assert.deepEqual(
      [files.get("sockets.txt")?.status, files.get("sockets.txt")?.reason],
      ["absent", "ss is not installed"],
    );
    const rows = (files.get("sockets.ndjson")?.text ?? "").trim().split("\n");
    assert.equal(rows.length, 1);
    assert.equal(JSON.parse(rows[0] ?? "").retransmits, 3);
  });

  it("take the kernel's log before the incident when it opens, and since then when it closes", async () => {
    const script = ["6,1,100,-;long before\n", "4,3,3999999,-;just before\n", "3,4,4500000,-;during\n"];
    const losses: unknown[] = [];
    const textOf = async (phase: "open" | "close"): Promise<string> => {
      let next = 0;
      const read = (into: Buffer): number => {
        const record = script[next++];
        if (record === undefined) throw Object.assign(new Error("EAGAIN"), { code: "EAGAIN" });
        return into.write(record);
      };
      const capture = kernelLogCapture(() => ({ read, close: () => {} }));
      const lost = (kind: string, count: number): void => void (count > 0 && losses.push([kind, count]));
      const files = await collectAll(capture.collect(contextOf({ phase, lost })));
      return files.get("kernel-log.ndjson")?.text ?? "";
    };
    const [first] = (await textOf("open")).split("\n").map((line) => line && JSON.parse(line));
    assert.deepEqual(first, {
      time: "2026-11-22T13:05:06.000100Z",
      boot_us: 100,
      level: 6,
      facility: 0,
      seq: 1,
      message: "long before",
    });
    assert.match(await textOf("close"), /^[^\n]*during[^\n]*\n$/);
    assert.deepEqual(losses, [
      ["kernel-log.overwritten", 1],
      ["kernel-log.overwritten", 1],
    ]);
  });

  it("say when there is no kernel log", async () => {
    const files = await collectAll(kernelLogCapture().collect(contextOf()));
    assert.equal(files.get("kernel-log.ndjson")?.status, "absent");
  });

  it("take the samples from before at the opening, and those since at the close", async () => {
    const asked: (number | undefined)[] = [];
    const samples = {
      dump: (sinceNs?: number) => {
        asked.push(sinceNs);
        return ["{}\n", "{}\n"];
      },
    };
    for (const phase of ["open", "close"] as const) {
      const files = await collectAll(systemSamples.collect(contextOf({ phase, samples })));
      assert.equal(files.get("samples.ndjson")?.text, "{}\n{}\n");
    }
    assert.deepEqual(asked, [4e9 - 120e9, 4e9]);
  });
});
