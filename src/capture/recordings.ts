import type { Capture, CaptureContext, Recording } from "./capture.ts";

const notHere = "the flight recorder does not run";

/** What the kernel's own trace points told: reconnects, credit time-outs, leases, state manager, transports. */
export const kernelEvents: Capture = {
  name: "kernel-events",
  summary: "trace events of cifs, nfs, nfs4 and sunrpc, for trace-cmd report",
  phases: ["open", "close"],
  limitBytes: 16 * 1024 * 1024,
  timeoutMs: 10_000,
  collect: (context) => recorded(context, "kernel-events.dat", context.kernelEvents),
};

/** Packets of the server connections, with every byte of payload zeroed. */
export const packets: Capture = {
  name: "packet-headers",
  summary: "packets of the server connections: headers alone, payload zeroed",
  phases: ["open", "close"],
  limitBytes: 32 * 1024 * 1024,
  timeoutMs: 15_000,
  collect: (context) => recorded(context, "packets.pcap", context.packets),
};

async function* recorded(context: CaptureContext, name: string, ask: (() => Promise<Recording>) | undefined) {
  const recording: Recording = (await ask?.()) ?? { source: "the flight recorder", absent: notHere };
  const { source, content, absent = notHere, losses } = recording;
  if (content === undefined) yield { name, source, status: "absent", reason: absent } as const;
  else yield { name, source, content, binary: true };
  for (const [kind, count] of Object.entries(losses?.() ?? {})) context.lost(kind, count);
}
