import { readFileSync } from "node:fs";
import { join } from "node:path";
import { AodError } from "../../src/system/error.ts";
import type { Lab } from "./lab.ts";

/** A packet capture that runs; read its file with lab/witness/smb2.ts or rpc.ts. */
export interface Capture {
  /** Ends it. An AodError when the kernel dropped packets: then it is no witness. */
  stop(): Promise<void>;
}

/**
 * Records the TCP packets from and to `port` on the guest's loopback, whole, into `NAME.pcap`. It must run before the mount that it is to
 * witness: a stream that it joins later is readable only when it is silent at that moment.
 */
export async function startCapture(lab: Lab, name: string, port: number): Promise<Capture> {
  // In memory first: 9p would be too slow for a burst, and on 7.2 a reading of what is just being written fails there (ENODATA).
  const file = join(lab.work, `${name}.pcap`);
  const log = `${name}.tcpdump.err`;
  const said = (): string => lab.keep(join(lab.work, log), log);
  const tcpdump = lab.start(
    [
      ...["tcpdump", "-i", "lo", "-n", "-p", "-Z", "root", "-U", "-s", "0", "-B", "65536", "-w", file],
      ...["tcp", "port", String(port)],
    ],
    { stderr: join(lab.work, log) },
  );
  await lab.until("tcpdump listens", 60, () => {
    if (!tcpdump.running) throw new AodError("failed", `tcpdump ended: ${said()}`);
    return said().includes("listening on");
  });
  return {
    stop: async () => {
      // It takes packets in blocks: the last ones are in the file after its time-out of a second.
      await lab.sleep(2);
      await tcpdump.stop("SIGINT");
      const [, dropped = "?"] = /(\d+) packets? dropped by kernel/.exec(said()) ?? [];
      if (dropped !== "0") throw new AodError("failed", `tcpdump lost ${dropped} packets: ${said()}`);
      lab.write(`${name}.pcap`, readFileSync(file));
    },
  };
}
