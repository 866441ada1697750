import { AuthDetector, type AuthRules } from "./auth.ts";
import { ConnectionDetector, type ConnectionRules } from "./connection.ts";
import type { Detector } from "./detector.ts";
import { ErrorsDetector, type ErrorsRules } from "./errors.ts";
import { HangDetector, type HangRules } from "./hang.ts";
import { KernelLogDetector, type KernelLogRules } from "./kernel-log.ts";
import { LatencyDetector, type LatencyRules } from "./latency.ts";
import { CounterLatencyDetector, type CounterLatencyRules } from "./latency-counters.ts";
import { NetworkDetector, type NetworkRules } from "./network.ts";
import { NfsLatencyDetector, type NfsLatencyRules } from "./nfs-latency.ts";
import { NfsRpcDetector, type NfsRpcRules } from "./nfs-rpc.ts";
import { SlowdownDetector, type SlowdownRules } from "./slowdown.ts";
import { ThroughputDetector, type ThroughputRules } from "./throughput.ts";

/** What the configuration says about each detector; absent: switched off. */
export interface DetectorRules {
  readonly latency?: LatencyRules;
  readonly nfsLatency?: NfsLatencyRules;
  readonly counterLatency?: CounterLatencyRules;
  readonly errors?: ErrorsRules;
  readonly hang?: HangRules;
  readonly connection?: ConnectionRules;
  readonly network?: NetworkRules;
  readonly kernelLog?: KernelLogRules;
  readonly nfsRpc?: NfsRpcRules;
  readonly auth?: AuthRules;
  readonly slowdown?: SlowdownRules;
  readonly throughput?: ThroughputRules;
}

/** Makes a detector of its part of the rules. */
interface DetectorKind {
  readonly key: keyof DetectorRules;
  readonly make: (rules: DetectorRules) => Detector | undefined;
}

/** All detectors, one line each, in the order in which they are told of an observation. */
export const detectorKinds: readonly DetectorKind[] = [
  { key: "hang", make: ({ hang }) => hang && new HangDetector(hang) },
  { key: "latency", make: ({ latency }) => latency && new LatencyDetector(latency) },
  { key: "nfsLatency", make: ({ nfsLatency }) => nfsLatency && new NfsLatencyDetector(nfsLatency) },
  { key: "counterLatency", make: ({ counterLatency }) => counterLatency && new CounterLatencyDetector(counterLatency) },
  { key: "errors", make: ({ errors }) => errors && new ErrorsDetector(errors) },
  { key: "connection", make: ({ connection }) => connection && new ConnectionDetector(connection) },
  { key: "network", make: ({ network }) => network && new NetworkDetector(network) },
  { key: "kernelLog", make: ({ kernelLog }) => kernelLog && new KernelLogDetector(kernelLog) },
  { key: "nfsRpc", make: ({ nfsRpc }) => nfsRpc && new NfsRpcDetector(nfsRpc) },
  { key: "auth", make: ({ auth }) => auth && new AuthDetector(auth) },
  { key: "slowdown", make: ({ slowdown }) => slowdown && new SlowdownDetector(slowdown) },
  { key: "throughput", make: ({ throughput }) => throughput && new ThroughputDetector(throughput) },
];

/** Those that are switched on. */
export function createDetectors(rules: DetectorRules): Detector[] {
  return detectorKinds.map(({ make }) => make(rules)).filter((detector) => detector !== undefined);
}
