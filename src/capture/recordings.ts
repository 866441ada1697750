import type { Recording } from "../flight-recorder/flight-recorder.ts";
import type { Capture, CaptureContext } from "./capture.ts";

const notHere = "the flight recorder does not run";

/** What the kernel's own trace points told: reconnects, credit time-outs, leases, state manager, transports. */
export const kernelEvents: Capture = {
  name: "kernel-events",
  summary: "trace events of cifs, nfs, nfs4 and sunrpc, for trace-cmd report",
  phases: ["open", "close"],
  limitBytes: 16 * 1024 * 1024,
  collect: (context) => recorded(context, "kernel-events.dat", context.kernelEvents?.()),
};

/** Packets of the server connections, with every byte of payload zeroed. */
export const packets: Capture = {
  name: "packet-headers",
  summary: "packets of the server connections: headers alone, payload zeroed",
  phases: ["open", "close"],
  limitBytes: 32 * 1024 * 1024,
  collect: (context) => recorded(context, "packets.pcap", context.packets?.(context.openedNs)),
};

async function* recorded(context: CaptureContext, name: string, recording?: Recording) {
  const { source, content, absent, losses } = recording ?? { source: "the flight recorder", absent: notHere };
  if (content === undefined) yield { name, source, status: "absent", reason: absent ?? notHere } as const;
  else yield { name, source, content, binary: true };
  for (const [kind, count] of Object.entries(losses?.() ?? {})) context.lost(kind, count);
}
