import { join } from "node:path";
import { type DebugData, parseDebugData } from "../smb/debug-data.ts";
import { waitingFunctions } from "../smb/waiting.ts";
import { readText } from "./read.ts";
import type { Outcome, Source, SourceRoots } from "./source.ts";

const LIMIT_BYTES = 4 * 1024 ** 2;
/** Of requests without an answer that are remembered from one look to the next. */
const MAX_MIDS = 4096;

/** What the SMB client shows of its connections, sessions, shares and requests without an answer. */
export function debugDataSource({ procRoot, clock }: SourceRoots): Source {
  let pending: ReadonlySet<string> = new Set();
  let last: { readonly text: string; readonly data: DebugData } | undefined;
  return {
    name: "debug-data",
    summary: "/proc/fs/cifs/DebugData",
    timeoutMs: 5000,
    everyNs: ({ trouble, blindSmb, idle }) => (trouble || blindSmb ? 1e9 : idle ? 5e9 : 2e9),
    read(): Outcome {
      const file = readText(join(procRoot, "fs/cifs/DebugData"), LIMIT_BYTES);
      if (file === undefined) return { off: "the kernel module cifs is not loaded" };
      const nowNs = clock.nowNs();
      if (last?.text !== file.text) last = { text: file.text, data: parseDebugData(file.text) };
      const { data } = last;
      const before = pending;
      const mids = data.mids.filter(({ command }) => !waitingFunctions.has(command)).slice(0, MAX_MIDS);
      pending = new Set(mids.map((mid) => `${mid.connectionId ?? ""} ${mid.mid} ${mid.pid}`));
      const broken = data.servers.some(({ tcpStatus }) => tcpStatus !== undefined && tcpStatus !== 1);
      return {
        observations: data.servers.length === 0 ? [] : [{ type: "smb-state", nowNs, data }],
        // The same request at two looks: a second is long, but for what waits by design.
        trouble: broken || [...pending].some((key) => before.has(key)),
        ...(file.cut ? { degraded: `only its first ${LIMIT_BYTES / 1024 ** 2} MiB` } : {}),
      };
    },
  };
}
