import { join } from "node:path";
import type { Capture } from "./capture.ts";
import { captureLocalFiles } from "./local-file.ts";

/** Name in the bundle, path below /proc. Counters in memory, all of them. */
const files = [
  ["meminfo", "meminfo"],
  ["vmstat", "vmstat"],
  ["slabinfo", "slabinfo"],
  ["loadavg", "loadavg"],
  ["stat", "stat"],
  ["pressure-cpu", "pressure/cpu"],
  ["pressure-memory", "pressure/memory"],
  ["pressure-io", "pressure/io"],
  ["interrupts", "interrupts"],
  ["softirqs", "softirqs"],
  ["softnet_stat", "net/softnet_stat"],
  ["net-dev", "net/dev"],
  ["net-snmp", "net/snmp"],
  ["net-snmp6", "net/snmp6"],
  ["net-netstat", "net/netstat"],
  ["sockstat", "net/sockstat"],
  ["sockstat6", "net/sockstat6"],
  ["uptime", "uptime"],
] as const;

/** CPU, memory, pressure, interrupts and the network stack's counters, twice: the difference is what happened between. */
export const systemState: Capture = {
  name: "system-state",
  summary: "/proc: memory, pressure, load, interrupts, counters of the network stack and the devices",
  phases: ["open", "close"],
  async *collect(context) {
    const absent = "this kernel does not have it";
    const requests = files.map(([name, path]) => ({
      name: `system/${name}`,
      path: join(context.procRoot, path),
      absent,
    }));
    yield* captureLocalFiles(context, requests);
  },
};
