import { opToJson } from "../probe/op-json.ts";
import { settingsFrame } from "../probe/settings.ts";
import { smbWire } from "../probe/smb-wire.ts";
import type { VfsOp } from "../probe/vfs-op.ts";
import type { OpRow } from "./op.ts";
import type { ToolPlan } from "./spec.ts";
import { treeLines } from "./tree-text.ts";
import type { WireTree } from "./wire-tree.ts";

/** What --tree adds to a tool: the wire probe, which hands nothing out until its history is asked for. */
export function treeParts(tree: WireTree): Pick<ToolPlan<VfsOp>, "besides" | "stage" | "below"> {
  return {
    besides: [
      {
        probe: smbWire,
        request: settingsFrame({ slowUs: null, inflightUs: null }),
        onEvent: (event) => tree.onWire(event),
        onStart: (send) => tree.onStart(send),
      },
    ],
    stage: tree,
    below: (op) => (op.endedNs === undefined ? [] : treeLines(tree.of(op))),
  };
}

export function treeJson({ op, target, clock }: OpRow<VfsOp>, tree: WireTree): object {
  const caused = tree.of(op);
  if (caused === undefined) return {};
  const { server, share } = target;
  const where = {
    ...(server === undefined ? undefined : { server }),
    ...(share === undefined ? undefined : { share }),
  };
  return {
    requests: caused.requests.map((request) => opToJson(request, where, clock)),
    ...(caused.workers === 0 ? undefined : { worker_requests: caused.workers }),
    ...(caused.cut ? { requests_cut: true } : undefined),
  };
}
