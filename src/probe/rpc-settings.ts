import { procedureCodes } from "../nfs/procedures.ts";
import { kernelNumbers } from "../nfs/status.ts";
import { AOD_RPC_SETTINGS_SIZE, AodFrameType, AodLimit, encodeAodRpcSettings } from "./decoders.gen.ts";
import { frameOf } from "./frames.ts";
import { nanos, toldOf } from "./settings.ts";

/** AOD_RPC_ANSWER: the server has answered with it. */
export const ANSWER = 0x8000_0000;

/** What makes an op an outlier, and what INFLIGHT shows. Times in µs; null = never. */
export interface RpcSettings {
  /** An op that took at least this long; for every procedure that `slowUsOf` does not name. */
  readonly slowUs: number | null;
  /** Name of a procedure -> at least this long. Of a name that one version does not have the other's counts. */
  readonly slowUsOf?: ReadonlyMap<string, number | null>;
  /** A negative status makes an op an outlier ... */
  readonly errors: boolean;
  /**
   * ... if it is one of these of RFC 1813 and RFC 8881, or if the op was sent again or timed out; absent: any. Of others the ticks tell how many there
   * were. A few may come that are none of them.
   */
  readonly errorStatuses?: Iterable<number>;
  /** Outliers come with the path of their file. */
  readonly paths: boolean;
  /** Ops that are at least this old are reported while in flight. */
  readonly inflightUs: number | null;
}

/** The AOD_REQUEST_SET frame. Throws a RangeError on a time that is no number ≥ 0. */
export function rpcSettingsFrame(settings: RpcSettings): Buffer {
  const rows = 2 * AodLimit.RPC_PROCEDURES;
  const slowNs = Array.from({ length: rows }, () => nanos(settings.slowUs, "slow threshold"));
  for (const [name, us] of settings.slowUsOf ?? []) {
    for (const version of [3, 4]) {
      for (const code of procedureCodes(version, name))
        slowNs[(version - 3) * AodLimit.RPC_PROCEDURES + code] = nanos(us, `slow threshold of ${name}`);
    }
  }
  const payload = Buffer.alloc(AOD_RPC_SETTINGS_SIZE);
  const errors = Buffer.alloc(rows, settings.errors ? 1 : 0);
  const { errorStatuses } = settings;
  const told = toldOf(errorStatuses && [...errorStatuses].flatMap(kernelNumbers).map((number) => ANSWER | number));
  const rpc = { slowNs, errors, told, paths: settings.paths ? 1 : 0 };
  encodeAodRpcSettings({ rpc, inflightNs: nanos(settings.inflightUs, "age of what is in flight") }, payload, 0);
  return frameOf(AodFrameType.REQUEST_SET, payload);
}
