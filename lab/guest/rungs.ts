import { setTimeout as sleep } from "node:timers/promises";
import { type Probe, startProbe } from "../../src/probe/helper.ts";
import type { Hook, SmbOp } from "../../src/probe/op.ts";
import { nativePaths } from "../../src/system/paths.ts";
import type { Lab } from "./lab.ts";

/** What one aod-probe said from its start to its end. */
export interface ProbeSaid {
  hooks: readonly Hook[];
  /** Of completed requests, by command: the phases that it had. */
  readonly phases: Record<string, string[]>;
  /** Tasks that issued them. */
  readonly tasks: string[];
  /** Kinds of losses. */
  readonly lost: string[];
  /** Absent while it runs, and after an end that was asked for. */
  error?: { readonly unsupported: boolean; readonly message: string };
}

export interface Rung {
  readonly hide?: readonly string[];
  readonly fentry?: boolean;
}

/**
 * Starts an aod-probe for each of `rungs`, without any program around it, does `work` once all have attached or given up, and ends them.
 * By name: what each said.
 */
export async function onRungs(
  lab: Lab,
  rungs: Readonly<Record<string, Rung>>,
  work: () => Promise<unknown>,
): Promise<Record<string, ProbeSaid>> {
  const said: Record<string, ProbeSaid> = {};
  const probes: Probe[] = [];
  const paths = nativePaths();
  for (const [name, rung] of Object.entries(rungs)) {
    const one: ProbeSaid = { hooks: [], phases: {}, tasks: [], lost: [] };
    said[name] = one;
    const probe = startProbe(
      { program: paths.probe, object: paths.object("smb_wire"), probe: "smb_wire", ...rung },
      (event) => {
        if (event.type === "hello") one.hooks = event.hello.hooks;
        if (event.type === "lost") one.lost.push(...event.losses.map((loss) => loss.kind));
        if (event.type === "ops") for (const op of event.ops) take(one, op);
      },
      ({ requested, unsupported, message }) => {
        if (!requested) one.error = { unsupported, message };
      },
    );
    probe.set({ slowUs: 0, inflightUs: null });
    probes.push(probe);
  }
  try {
    const settled = (one: ProbeSaid): boolean => one.hooks.length > 0 || one.error !== undefined;
    await lab.until("every probe is attached or has given up", 60, () => Object.values(said).every(settled));
    await work();
    await sleep(500);
  } finally {
    await Promise.all(probes.map((probe) => probe.stop()));
  }
  return said;
}

function take(said: ProbeSaid, op: SmbOp): void {
  said.phases[op.command] ??= Object.keys(op.phasesUs);
  if (!said.tasks.includes(op.comm)) said.tasks.push(op.comm);
}
