import type { Observation, SourceState } from "../../detect/observation.ts";
import type { ProbeState } from "./manager.ts";

/** Tells detectors how the probes do, as sources do it themselves: once per change. */
export class ProbeNews {
  readonly #told = new Map<string, string>();

  /** `state` undefined: the configuration switches it off. */
  take(name: string, state: ProbeState | undefined, nowNs: number): Observation | undefined {
    const now = stateOf(state);
    if (now === undefined) return undefined;
    const key = `${now.state} ${now.why ?? ""}`;
    if (this.#told.get(name) === key) return undefined;
    this.#told.set(name, key);
    return { type: "source", nowNs, source: name, ...now };
  }
}

/** Undefined while nothing can be said yet. */
function stateOf(state: ProbeState | undefined): { readonly state: SourceState; readonly why?: string } | undefined {
  if (state === undefined) return { state: "off", why: "the configuration switches it off" };
  switch (state.state) {
    case "starting":
      return undefined;
    case "running":
      return hooksOf(state);
    case "waiting":
    case "detached":
    case "unsupported":
      return { state: "off", why: state.why };
    case "retrying":
    case "failed":
      return { state: "failed", why: state.why };
    case "stopped":
      return { state: "off", why: "the daemon ends" };
  }
}

function hooksOf({ hello }: Extract<ProbeState, { readonly state: "running" }>): {
  readonly state: SourceState;
  readonly why?: string;
} {
  const missing = hello.hooks.filter((hook) => hook.rung === "none");
  if (missing.length === 0) return { state: "ok" };
  return { state: "degraded", why: `without the hooks ${missing.map((hook) => hook.name).join(", ")}` };
}

/** Why a probe does not run, in the daemon's log. Detached it is on purpose. */
export function tellProbe(
  log: { warn(details: object, message: string): void; info(details: object, message: string): void },
  name: string,
  state: ProbeState,
): void {
  if (!("why" in state)) return;
  const { state: now, why } = state;
  log[now === "detached" ? "info" : "warn"]({ state: now, why }, `probe ${name}`);
}
