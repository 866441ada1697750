import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { messageOf } from "../../src/system/error.ts";
import { mountOptionText } from "./cifs.ts";
import type { Lab } from "./lab.ts";
import { exportDirectory } from "./nfs.ts";
import { sambaUser } from "./samba.ts";

/** A kind of work: one round of it, and how long it rests after each. */
interface Work {
  readonly name: string;
  readonly restSeconds: number;
  /** One of these at a time: more of them would be an overloaded machine, not a healthy one. */
  readonly heavy?: boolean;
  readonly round: (n: number) => Promise<void>;
}

/** What people do all day with their shares, by other processes, each kind in a loop of its own, until it is stopped. */
export class BenignLoad {
  /** kind -> rounds done. */
  readonly rounds: Record<string, number> = {};
  readonly #loops: Promise<void>[] = [];
  #stopping = false;

  constructor(lab: Lab, works: readonly Work[]) {
    const heavy = works.filter((work) => work.heavy === true);
    for (const turns of [heavy, ...works.filter((work) => work.heavy !== true).map((work) => [work])]) {
      const loop = this.#run(lab, turns);
      // Reported by stop(); until then nobody waits for it.
      loop.catch((error: unknown) => lab.tell(`the load has a gap: ${messageOf(error)}`));
      this.#loops.push(loop);
    }
  }

  /** Ends after the rounds that are under way; an error when one of them failed. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await Promise.all(this.#loops);
  }

  /** Takes turns. */
  async #run(lab: Lab, works: readonly Work[]): Promise<void> {
    for (let n = 0; !this.#stopping; n++) {
      for (const { name, restSeconds, round } of works) {
        if (this.#stopping) return;
        await round(n);
        this.rounds[name] = n + 1;
        for (let rested = 0; rested < restSeconds && !this.#stopping; rested++) await lab.sleep(1);
      }
    }
  }
}

const limit = { timeoutMs: 600_000 };
const sources = 4;

/** Sources for a build and a tree of small files, outside of the shares. */
export async function prepareBenignLoad(lab: Lab): Promise<void> {
  const project = join(lab.work, "project");
  const small = join(lab.work, "small");
  for (const directory of [project, small]) mkdirSync(directory, { recursive: true });
  const names = Array.from({ length: sources }, (_, n) => `part${n}`);
  for (const name of names) {
    writeFileSync(join(project, `${name}.h`), `int ${name}(int value);\n`);
    const text = `#include "all.h"\nint ${name}(int value) { return value * 3 + ${name.length}; }\n`;
    writeFileSync(join(project, `${name}.c`), text);
  }
  writeFileSync(join(project, "all.h"), names.map((name) => `#include "${name}.h"\n`).join(""));
  const calls = names.map((name) => `${name}(1)`).join(" + ");
  writeFileSync(join(project, "main.c"), `#include "all.h"\nint main(void) { return (${calls}) == 0; }\n`);
  const objects = [...names, "main"].map((name) => `${name}.o`).join(" ");
  const rules = `program: ${objects}\n\t$(CC) -o $@ $^\n%.o: %.c all.h\n\t$(CC) -O0 -c -o $@ $<\n`;
  writeFileSync(join(project, "Makefile"), rules);
  for (let n = 0; n < 60; n++) writeFileSync(join(small, `note-${n}.txt`), `note ${n}\n`.repeat(1 + (n % 90)));
  await lab.run(["tar", "-C", lab.work, "-cf", join(lab.work, "small.tar"), "small"], limit);
  await lab.run(["dd", "if=/dev/urandom", `of=${join(lab.work, "large")}`, "bs=1M", "count=16", "status=none"], limit);
}

/** Of each mount: large copies, builds, many small files, locks that others wait for. */
export function workOn(lab: Lab, name: string, mountPoint: string): Work[] {
  const at = (...path: string[]): string => join(mountPoint, ...path);
  const run = (...argv: string[]) => lab.run(argv, limit);
  return [
    {
      name: `${name}: large copies`,
      restSeconds: 5,
      heavy: true,
      round: async (n) => {
        const copy = at(`copy-${n % 2}`);
        await run("cp", join(lab.work, "large"), copy);
        if (n % 2 === 0) await run("sync", "-f", mountPoint);
        await run("cp", copy, "/dev/null");
        await run("rm", copy);
      },
    },
    {
      name: `${name}: builds`,
      restSeconds: 5,
      heavy: true,
      round: async () => {
        await run("cp", "-r", join(lab.work, "project"), at("project"));
        await run("make", "-s", "-C", at("project"), "CC=cc");
        await run("rm", "-r", at("project"));
      },
    },
    {
      name: `${name}: small files`,
      restSeconds: 5,
      heavy: true,
      round: async () => {
        await run("tar", "-C", mountPoint, "-xf", join(lab.work, "small.tar"));
        await run("ls", "-lR", at("small"));
        await run("grep", "-r", "-c", "note", at("small"));
        await run("rm", "-r", at("small"));
      },
    },
    {
      name: `${name}: lock waits`,
      restSeconds: 15,
      round: async (n) => {
        const lock = at("lock");
        await Promise.all([
          run("flock", lock, "sleep", String(3 + (n % 3) * 4)),
          run("flock", lock, "true"),
          lab.run(["flock", "--nonblock", lock, "true"], { ...limit, anyStatus: true }),
        ]);
      },
    },
  ];
}

// CIFS_IOC_NOTIFY of fs/smb/client/cifs_ioctl.h: names that come and go, this directory alone.
const notify = `use Fcntl;
sysopen(my $directory, $ARGV[0], O_RDONLY) or die $!;
my $wanted = pack("IC", 3, 0);
while (1) { ioctl($directory, 0x4005cf09, $wanted) or die "CHANGE_NOTIFY: $!"; syswrite(STDOUT, "changed\\n"); }`;

/** A program that waits for changes of a directory of an SMB mount; its results are lines in `notify.out`. */
export function watchDirectory(lab: Lab, path: string): void {
  lab.start(["perl", "-e", notify, path], { stdout: "notify.out", stderr: "notify.err" });
}

/** Mounts come and go, and mounts that nobody uses are left to their servers' idle time-outs. */
export function mountWork(lab: Lab, idle: readonly string[]): Work[] {
  const run = (...argv: string[]) => lab.run(argv, limit);
  const credentials = join(lab.work, "credentials");
  writeFileSync(credentials, `username=${sambaUser.name}\npassword=${sambaUser.password}\n`, { mode: 0o600 });
  const smb = mountOptionText({ credentials, vers: "3.1.1", nosharesock: true });
  const mounts = [
    ["cifs", "//127.0.0.1/share", smb],
    ["nfs", "127.0.0.1:/", "vers=4.2"],
    ["cifs", "//127.0.0.1/share", mountOptionText({ credentials, vers: "3.0" })],
    ["nfs", `127.0.0.1:${exportDirectory}`, "vers=3,nolock,mountproto=tcp"],
  ] as const;
  const place = "/mnt/coming";
  mkdirSync(place, { recursive: true });
  return [
    {
      name: "mount and umount",
      restSeconds: 30,
      round: async (n) => {
        const [type, source, options] = mounts[n % mounts.length] ?? mounts[0];
        await run("mount", "-t", type, source, place, "-o", options);
        await run("dd", "if=/dev/zero", `of=${place}/here-${n % 5}`, "bs=64k", "count=4", "status=none");
        await run("ls", "-l", place);
        await run("umount", place);
      },
    },
    {
      // Longer than the servers' idle time-outs in between.
      name: "idle",
      restSeconds: 330,
      round: async () => {
        for (const path of idle) await run("ls", path);
      },
    },
    { name: "changes", restSeconds: 40, round: async (n) => void (await run("touch", `/mnt/share/watched/${n % 9}`)) },
  ];
}
