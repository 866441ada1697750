import type { Needs } from "../../detect/detector.ts";
import type { RpcSettings } from "../../probe/rpc-settings.ts";
import type { ProbeSettings } from "../../probe/settings.ts";
import { OTHER_COMMAND } from "../../smb/commands.ts";

/** The probe reports what some detector needs, and nothing else. */
export function settingsOf(needs: Needs): ProbeSettings {
  const slowUsOf = new Map<number, number | null>();
  for (let code = 0; code <= OTHER_COMMAND; code++) {
    const ns = needs.slowNs.get(code);
    slowUsOf.set(code, ns === undefined || !Number.isFinite(ns) ? null : ns / 1000);
  }
  const { errorCommands, errorStatuses } = needs;
  const errors = {
    ...(errorCommands === undefined ? {} : { errorCommands }),
    ...(errorStatuses === undefined ? {} : { errorStatuses }),
  };
  return { slowUs: null, slowUsOf, ...errors, inflightUs: micros(needs.inflightNs) };
}

/** The same of RPCs. Without paths: they are looked for in the kernel for each op. */
export function rpcSettingsOf({ rpc = {} }: Needs): RpcSettings {
  const slowUsOf = new Map([...(rpc.slowNsOf ?? [])].map(([name, ns]) => [name, micros(ns)] as const));
  return {
    slowUs: micros(rpc.slowNs),
    slowUsOf,
    errors: rpc.errors ?? false,
    ...(rpc.errorStatuses === undefined ? {} : { errorStatuses: rpc.errorStatuses }),
    paths: false,
    inflightUs: micros(rpc.inflightNs),
  };
}

function micros(ns: number | undefined): number | null {
  return ns === undefined || !Number.isFinite(ns) ? null : ns / 1000;
}
