import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { TestContext } from "node:test";
import type { Run } from "../../system/process.ts";
import { type Machine, thisMachine } from "../machine.ts";

export interface FakeProcess {
  readonly comm: string;
  readonly cwd?: string;
  readonly root?: string;
  readonly exe?: string;
  /** Inode of its mount namespace; 1 is that of who asks. */
  readonly namespace?: number;
  /** Descriptor -> where it leads and, of a file, `mnt_id` and flags; any other text of fdinfo instead. */
  readonly fds?: Readonly<Record<number, readonly [path: string, mount: number | string, flags?: string]>>;
  /** Working directories of further threads. */
  readonly threads?: Readonly<Record<number, string>>;
  readonly maps?: string;
  readonly state?: string;
  readonly wchan?: string;
  readonly kernel?: true;
}

export interface FakeHost {
  /** Of the namespace 1, and of others by their inode. */
  readonly mounts: string;
  readonly namespaces?: Readonly<Record<number, string>>;
  readonly processes?: Readonly<Record<number, FakeProcess>>;
  /** Further files, from the root: `proc/swaps`. */
  readonly files?: Readonly<Record<string, string>>;
  readonly run?: Run;
}

export const share = "40 22 0:40 / /mnt/share rw shared:7 - cifs //srv/share rw,addr=192.0.2.1,closetimeo=1";
export const table = ["22 1 254:1 / / rw shared:1 - ext4 /dev/vda1 rw", share, ""].join("\n");

/** A tree that looks like a machine; grep of mappings is played. */
export function fakeHost(t: TestContext, host: FakeHost): Machine {
  const root = mkdtempSync(join(tmpdir(), "aod-unmount-"));
  t.after(() => rmSync(root, { recursive: true }));
  const place = (path: string): string => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    return join(root, path);
  };
  const write = (path: string, text: string): void => writeFileSync(place(path), text);
  const link = (path: string, to: string): void => symlinkSync(to, place(path));
  write("proc/self/mountinfo", host.mounts);
  link("proc/self/ns/mnt", "mnt:[1]");
  for (const [path, text] of Object.entries(host.files ?? {})) write(path, text);
  const maps: string[] = [];
  for (const [pid, fake] of Object.entries(host.processes ?? {})) {
    const namespace = fake.namespace ?? 1;
    const stat = `${pid} (${fake.comm}) ${fake.state ?? "S"} 1 0 0 0 0 ${fake.kernel ? 0x20_0000 : 0} ${"0 ".repeat(30)}`;
    for (const [tid, cwd] of [[pid, fake.cwd ?? "/"], ...Object.entries(fake.threads ?? {})] as [string, string][]) {
      const directories = tid === pid ? [`proc/${pid}`, `proc/${pid}/task/${tid}`] : [`proc/${pid}/task/${tid}`];
      for (const directory of directories) {
        write(`${directory}/stat`, stat);
        write(`${directory}/status`, "Name:\tx\nUid:\t1000\t1000\t1000\t1000\n");
        write(`${directory}/wchan`, fake.wchan ?? "0");
        write(`${directory}/mountinfo`, namespace === 1 ? host.mounts : (host.namespaces?.[namespace] ?? ""));
        link(`${directory}/ns/mnt`, `mnt:[${namespace}]`);
        link(`${directory}/cwd`, cwd);
        link(`${directory}/root`, fake.root ?? "/");
        link(`${directory}/exe`, fake.exe ?? "/usr/bin/x");
      }
    }
    write(`proc/${pid}/comm`, `${fake.comm}\n`);
    mkdirSync(join(root, `proc/${pid}/fd`), { recursive: true });
    for (const [fd, [path, mount, flags = "0100000"]] of Object.entries(fake.fds ?? {})) {
      link(`proc/${pid}/fd/${fd}`, path);
      write(
        `proc/${pid}/fdinfo/${fd}`,
        typeof mount === "string" ? mount : `pos:\t0\nflags:\t${flags}\nmnt_id:\t${mount}\nino:\t5\n`,
      );
    }
    if (fake.maps !== undefined) maps.push(`${root}/proc/${pid}/maps:${fake.maps}\n`);
  }
  const grep: Run = async () => ({
    status: "ok",
    code: 0,
    stdout: Buffer.from(maps.join("")),
    stderr: "",
    truncated: false,
    tookMs: 1,
  });
  return {
    ...thisMachine(),
    procRoot: join(root, "proc"),
    sysRoot: join(root, "sys"),
    fsRoot: root,
    run: host.run ?? grep,
  };
}
