// What somebody switched and how it was before: written down first, so that any later process can put it back.
import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { z } from "zod";
import { messageOf } from "../system/error.ts";
import { bootId } from "../system/lock.ts";
import { hasCode } from "../system/proc.ts";

const protocol = z.enum(["smb", "nfs"]);

const holder = z.object({
  /** `daemon`, `aod debug` */
  name: z.string(),
  pid: z.number(),
  /** Field 22 of /proc/PID/stat */
  started: z.string(),
  protocols: z.array(protocol),
  /** CLOCK_MONOTONIC, ns */
  until_ns: z.number(),
});

const remembered = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("number"), protocol, path: z.string(), before: z.string(), on: z.string() }),
  z.object({
    kind: z.literal("dynamic-debug"),
    protocol,
    path: z.string(),
    files: z.array(z.object({ file: z.string(), lines: z.union([z.literal("all"), z.array(z.number())]) })),
  }),
]);

const schema = z.object({ boot: z.string(), holders: z.array(holder), switches: z.array(remembered) });

/** Who wants the clients to log, and until when. */
export type Holder = Readonly<z.infer<typeof holder>>;
/** One switch that we have changed, with what undoes it. */
export type Remembered = Readonly<z.infer<typeof remembered>>;

export interface SwitchState {
  readonly holders: readonly Holder[];
  readonly switches: readonly Remembered[];
}

const nothing: SwitchState = { holders: [], switches: [] };

/** `<state_dir>/switches.json`, of the daemon and of `aod debug` alike. */
export class SwitchFile {
  readonly path: string;
  readonly #procRoot: string;

  constructor(path: string, procRoot: string) {
    this.path = path;
    this.#procRoot = procRoot;
  }

  /** Of this life of the kernel: after a boot all switches are as they were, and what the file says of them is void. */
  read(): SwitchState & { readonly error?: string } {
    try {
      const { boot, ...state } = schema.parse(JSON.parse(readFileSync(this.path, "utf8")));
      return boot === bootId(this.#procRoot) ? state : nothing;
    } catch (error) {
      if (hasCode(error, "ENOENT")) return nothing;
      return { ...nothing, error: `${this.path}: ${messageOf(error)}` };
    }
  }

  /** Whole or not at all: switches are touched only after it is there. */
  write(state: SwitchState): void {
    if (state.holders.length === 0 && state.switches.length === 0) {
      rmSync(this.path, { force: true });
      return;
    }
    const fresh = join(dirname(this.path), `.${process.pid}.switches`);
    const { holders, switches } = state;
    writeFileSync(fresh, JSON.stringify({ boot: bootId(this.#procRoot), holders, switches }), {
      mode: 0o600,
      flush: true,
    });
    renameSync(fresh, this.path);
  }
}
