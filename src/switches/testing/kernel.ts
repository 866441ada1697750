// For tests: files of a directory that do with what is written to them what the kernel does.
import { readFileSync, writeFileSync } from "node:fs";
import { put } from "../../flight-recorder/testing/tracefs.ts";
import type { KernelFiles } from "../client-switches.ts";

/** Lines of dynamic_debug/control, one of another module among them. */
export const controlText = [
  "# filename:lineno [module]function flags format",
  'fs/smb/client/connect.c:100 [cifs]cifs_demultiplex_thread =_ "received\\012"',
  'fs/smb/client/connect.c:200 [cifs]cifs_get_tcp_session =_ "socket\\012"',
  'fs/smb/client/file.c:30 [cifs]cifs_open =_ "open\\012"',
  'fs/smb/client/file.c:30 [cifs]cifs_open =_ "open twice\\012"',
  'fs/smb/client/file.c:44 [cifs]cifs_close =_ "close\\012"',
  'net/sunrpc/sched.c:9 [sunrpc]rpc_run =_ "run\\012"',
  "",
].join("\n");

/** Below `dir`/proc, with both modules loaded and everything off. */
export function putSwitches(dir: string, control = controlText): void {
  put(dir, "proc/fs/cifs/cifsFYI", "0\n");
  for (const name of ["rpc", "nfs", "nlm"]) put(dir, `proc/sys/sunrpc/${name}_debug`, "0x0000\n");
  put(dir, "proc/dynamic_debug/control", control);
  put(dir, "proc/sys/kernel/random/boot_id", "first\n");
}

/** A living process, for whoever asks /proc. */
export function putProcess(dir: string, pid: number, started: string): void {
  put(dir, `proc/${pid}/stat`, `${pid} (aod) S ${Array.from({ length: 18 }, () => "0").join(" ")} ${started} 0\n`);
}

export const fakeKernel: KernelFiles = {
  read: (path) => readFileSync(path, "utf8"),
  write: (path, text) => {
    if (!path.endsWith("dynamic_debug/control")) {
      writeFileSync(path, `${text}\n`, { flag: "r+" });
      return;
    }
    if (text.length >= 4096) throw Object.assign(new Error("E2BIG: too long"), { code: "E2BIG" });
    let control = readFileSync(path, "utf8");
    for (const query of text.split(";")) control = switched(control, query.trim());
    writeFileSync(path, control, { flag: "r+" });
  },
};

/** `module M`, `file F` (with `*`), `line N`, then `+p` or `-p`. */
function switched(control: string, query: string): string {
  const words = query.split(/\s+/);
  const flag = words.pop();
  if (flag !== "+p" && flag !== "-p") throw Object.assign(new Error("EINVAL: flags"), { code: "EINVAL" });
  const asked = new Map(words.flatMap((word, at) => (at % 2 === 0 ? [[word, words[at + 1] ?? ""] as const] : [])));
  return control
    .split("\n")
    .map((text) => {
      const [, file, line, module] = /^(\S+):(\d+) \[(\S+)\]/.exec(text) ?? [];
      if (file === undefined) return text;
      const isIt = [...asked].every(([key, value]) => {
        if (key === "module") return module === value;
        if (key === "line") return line === value;
        return value.endsWith("*") ? file.startsWith(value.slice(0, -1)) : file === value;
      });
      if (!isIt) return text;
      const [, flags = ""] = / =(\S+) /.exec(text) ?? [];
      const others = flags.replace(/[_p]/g, "");
      return text.replace(/ =\S+ /, () => ` =${(flag === "+p" ? `p${others}` : others) || "_"} `);
    })
    .join("\n");
}
