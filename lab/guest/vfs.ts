import { startHelper } from "../../src/probe/helper.ts";
import { nfsVfs, smbVfs, type VfsHello } from "../../src/probe/vfs-decoder.ts";
import type { VfsOp } from "../../src/probe/vfs-op.ts";
import { vfsSettingsFrame } from "../../src/probe/vfs-settings.ts";
import { nativePaths } from "../../src/system/paths.ts";
import type { Lab } from "./lab.ts";

/** What a VFS probe said. */
export interface VfsSaid {
  /** From its start to the first event. */
  readonly startMs: number;
  readonly callbacks: VfsHello["callbacks"];
  readonly ops: readonly VfsOp[];
  /** Calls that were seen while they ran, once each. */
  readonly running: readonly VfsOp[];
  /** Calls by function, as the ticks have them. */
  readonly counts: Readonly<Record<string, number>>;
  /** `kind detail` -> count */
  readonly losses: Readonly<Record<string, number>>;
}

/** Runs smb_vfs or nfs_vfs during `work`, which begins once it is attached; every call is handed out. */
export async function underVfs(
  lab: Lab,
  probe: "smb_vfs" | "nfs_vfs",
  args: readonly string[],
  work: () => Promise<unknown>,
): Promise<VfsSaid> {
  const codec = probe === "smb_vfs" ? smbVfs : nfsVfs;
  const paths = nativePaths();
  const ops: VfsOp[] = [];
  const running = new Map<number, VfsOp>();
  const counts: Record<string, number> = {};
  const losses: Record<string, number> = {};
  let hello: VfsHello | undefined;
  let error: string | undefined;
  const began = performance.now();
  let startMs = 0;
  const helper = startHelper(
    { program: paths.probe, object: paths.object(codec.object), probe, args, tickMs: 300 },
    codec,
    (event) => {
      if (event.type === "hello") {
        hello = event.hello as VfsHello;
        startMs = performance.now() - began;
      }
      if (event.type === "ops") ops.push(...event.ops);
      if (event.type === "inflight") for (const op of event.inflight.ops) running.set(op.seq, op);
      if (event.type === "lost")
        for (const { kind, detail, count } of event.losses) losses[`${kind} ${detail}`] = count;
      if (event.type === "tick") {
        for (const entry of event.tick.entries) {
          const name = entry.callback.function;
          counts[name] = (counts[name] ?? 0) + entry.count;
        }
      }
    },
    ({ requested, message }) => {
      if (!requested) error = message;
    },
  );
  try {
    helper.request(vfsSettingsFrame({ slowUs: 0, inflightUs: 0 }));
    await lab.until(`${probe} is attached`, 300, () => hello !== undefined || error !== undefined);
    if (error !== undefined) throw new Error(error);
    await work();
    await lab.sleep(1);
    await helper.drain();
  } finally {
    await helper.stop();
  }
  return { startMs, callbacks: hello?.callbacks ?? [], ops, running: [...running.values()], counts, losses };
}
