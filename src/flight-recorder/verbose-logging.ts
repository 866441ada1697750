import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { z } from "zod";
import { messageOf } from "../system/error.ts";
import { hasCode } from "../system/proc.ts";

export interface VerboseOptions {
  readonly procRoot: string;
  readonly sysRoot: string;
  /** What was switched is written there first. */
  readonly stateFile: string;
  readonly nowNs: () => number;
}

export interface VerboseStatus {
  readonly state: "off" | "on";
  /** Files that were switched. */
  readonly switched: readonly string[];
  /** Switches of a daemon that was killed, which were put back at the start. */
  readonly put_back?: readonly string[];
  readonly errors?: readonly string[];
}

/** One switch of the system: what is written to a file, and what undoes it. */
interface Switch {
  readonly path: string;
  readonly on: string;
  /** `undefined`: it is on already, and stays so. */
  readonly undo: string | undefined;
}

const stateSchema = z.object({ boot: z.string(), switches: z.array(z.object({ path: z.string(), undo: z.string() })) });

/**
 * Has the clients log verbosely for a time: cifsFYI with dynamic debug, rpcdebug. Everything is written down before it is switched, and put back: when the time is
 * over, at the daemon's end, and after a crash at the next start. What was on before is left alone.
 */
export class VerboseLogging {
  readonly #options: VerboseOptions;
  readonly #putBack: string[] = [];
  #errors: string[] = [];
  #switches: readonly { readonly path: string; readonly undo: string }[] = [];
  #untilNs = Number.NEGATIVE_INFINITY;

  constructor(options: VerboseOptions) {
    this.#options = options;
    const left = this.#left();
    if (left === undefined) return;
    this.#switches = left;
    this.#putBack.push(...left.map(({ path }) => path));
    this.#undo();
  }

  /** For so long from now; a second time prolongs it. */
  on(forNs: number): void {
    const { nowNs } = this.#options;
    this.#untilNs = Math.max(this.#untilNs, nowNs() + forNs);
    // Also when an earlier undoing failed: that is tried again first.
    if (this.#switches.length > 0) return;
    this.#errors = [];
    const wanted = this.#wanted();
    const switches = wanted.flatMap(({ path, undo }) => (undo === undefined ? [] : [{ path, undo }]));
    if (switches.length === 0) return;
    try {
      this.#remember(switches);
    } catch (error) {
      this.#errors.push(`nothing was switched: ${messageOf(error)}`);
      return;
    }
    this.#switches = switches;
    for (const { path, on, undo } of wanted) if (undo !== undefined) this.#write(path, on);
  }

  /** About once a second. */
  beat(): void {
    if (this.#switches.length > 0 && this.#options.nowNs() >= this.#untilNs) this.#undo();
  }

  end(): void {
    if (this.#switches.length > 0) this.#undo();
  }

  status(): VerboseStatus {
    return {
      state: this.#switches.length > 0 ? "on" : "off",
      switched: this.#switches.map(({ path }) => path),
      ...(this.#putBack.length > 0 ? { put_back: this.#putBack } : {}),
      ...(this.#errors.length > 0 ? { errors: this.#errors } : {}),
    };
  }

  #wanted(): readonly Switch[] {
    const { procRoot, sysRoot } = this.#options;
    const numbers: readonly (readonly [string, string])[] = [
      [join(procRoot, "fs/cifs/cifsFYI"), "7"],
      // RPCDBG_ALL, NFSDBG_ALL; the files take hexadecimal too.
      [join(procRoot, "sys/sunrpc/rpc_debug"), "0x7fff"],
      [join(procRoot, "sys/sunrpc/nfs_debug"), "0xffff"],
    ];
    const switches = numbers.flatMap(([path, on]): Switch[] => {
      const before = this.#read(path)?.trim();
      if (before === undefined) return [];
      return [{ path, on, undo: Number(before) === 0 ? before : undefined }];
    });
    const control = dynamicDebugIn(procRoot, sysRoot);
    if (control === undefined || this.#read(join(procRoot, "fs/cifs/cifsFYI")) === undefined) return switches;
    const lines = (this.#read(control) ?? "").split("\n").filter((line) => line.includes(" [cifs]"));
    // Somebody has switched lines of it: which ones could not be put back.
    const ours = lines.length > 0 && lines.every((line) => line.includes(" =_ "));
    return [...switches, { path: control, on: "module cifs +p", undo: ours ? "module cifs -p" : undefined }];
  }

  #undo(): void {
    this.#untilNs = Number.NEGATIVE_INFINITY;
    const failed = this.#switches.filter(({ path, undo }) => !this.#write(path, undo));
    this.#switches = failed;
    try {
      if (failed.length === 0) rmSync(this.#options.stateFile, { force: true });
      else this.#remember(failed);
    } catch (error) {
      // What stands there is put back once more at the next start: that does no harm.
      this.#note(messageOf(error));
    }
  }

  /** Of an earlier daemon, in this life of the kernel: after a boot all switches are as they were. */
  #left(): readonly { readonly path: string; readonly undo: string }[] | undefined {
    const { stateFile } = this.#options;
    if (!existsSync(stateFile)) return undefined;
    try {
      const state = stateSchema.parse(JSON.parse(readFileSync(stateFile, "utf8")));
      if (state.boot === this.#boot()) return state.switches;
    } catch (error) {
      this.#note(`${stateFile}: ${messageOf(error)}`);
    }
    rmSync(stateFile, { force: true });
    return undefined;
  }

  /** Whole or not at all: the switches are touched only after it is there. */
  #remember(switches: readonly { readonly path: string; readonly undo: string }[]): void {
    const { stateFile } = this.#options;
    const fresh = join(dirname(stateFile), `.${process.pid}.switches`);
    writeFileSync(fresh, JSON.stringify({ boot: this.#boot(), switches }), { mode: 0o600, flush: true });
    renameSync(fresh, stateFile);
  }

  #boot(): string {
    return this.#read(join(this.#options.procRoot, "sys/kernel/random/boot_id"))?.trim() ?? "";
  }

  #read(path: string): string | undefined {
    try {
      return readFileSync(path, "utf8");
    } catch {
      // The module is not loaded, or the kernel does not have it.
      return undefined;
    }
  }

  /** Gone with its module: then there is nothing to be undone either. */
  #write(path: string, text: string): boolean {
    try {
      writeFileSync(path, `${text}\n`, { flag: "r+" });
      return true;
    } catch (error) {
      if (hasCode(error, "ENOENT")) return true;
      this.#note(`${path}: ${messageOf(error)}`);
      return false;
    }
  }

  #note(error: string): void {
    if (!this.#errors.includes(error) && this.#errors.length < 10) this.#errors.push(error);
  }
}

function dynamicDebugIn(procRoot: string, sysRoot: string): string | undefined {
  const places = [join(procRoot, "dynamic_debug/control"), join(sysRoot, "kernel/debug/dynamic_debug/control")];
  return places.find((place) => existsSync(place));
}
