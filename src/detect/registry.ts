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

/** All detectors, one line each. */
const makers: readonly ((rules: DetectorRules) => Detector | undefined)[] = [
  ({ hang }) => hang && new HangDetector(hang),
  ({ latency }) => latency && new LatencyDetector(latency),
  ({ nfsLatency }) => nfsLatency && new NfsLatencyDetector(nfsLatency),
  ({ counterLatency }) => counterLatency && new CounterLatencyDetector(counterLatency),
  ({ errors }) => errors && new ErrorsDetector(errors),
  ({ connection }) => connection && new ConnectionDetector(connection),
  ({ network }) => network && new NetworkDetector(network),
  ({ kernelLog }) => kernelLog && new KernelLogDetector(kernelLog),
  ({ nfsRpc }) => nfsRpc && new NfsRpcDetector(nfsRpc),
  ({ auth }) => auth && new AuthDetector(auth),
  ({ slowdown }) => slowdown && new SlowdownDetector(slowdown),
  ({ throughput }) => throughput && new ThroughputDetector(throughput),
];

/** Those that are switched on. */
export function createDetectors(rules: DetectorRules): Detector[] {
  return makers.map((make) => make(rules)).filter((detector) => detector !== undefined);
}
