import { performance } from "node:perf_hooks";
import type { ProbeCodec, ProbeName } from "./codec.ts";
import { type ProbeExit, type ProbeOptions, startHelper } from "./helper.ts";
import { missingWithout } from "./hook-effects.ts";
import type { Hello, OpBase } from "./op.ts";
import { isVfsHello } from "./vfs-decoder.ts";

/**
 * How a probe fares here. `full`: everything that it can tell. `degraded`: it works, `lacks` says without what. `unsupported`: not on this kernel.
 * `failed`: it could be, and `why` says what is in the way.
 */
export type ProbeStanding = "full" | "degraded" | "unsupported" | "failed";

/** One probe, attached for a moment. */
export interface ProbeSurvey {
  readonly probe: ProbeName;
  readonly standing: ProbeStanding;
  /** Which of the helper's ways it took, e.g. `smb_trace` for smb_wire where modules have no BTF. */
  readonly as?: string;
  /** uname -r, as the helper saw it. */
  readonly release?: string;
  /** What attached, by rung. */
  readonly rungs: Readonly<Record<string, number>>;
  /** One sentence each. */
  readonly lacks: readonly string[];
  readonly why?: string;
  /** From the start of the helper until everything was attached, ms. */
  readonly attachMs?: number;
}

/** What attached and what did not, in the words of the probe that says hello. */
interface Attached {
  readonly rungs: Readonly<Record<string, number>>;
  readonly lacks: readonly string[];
}

/** Attaches a probe, looks at what it says, and ends it; earlier when the signal says so. */
export async function surveyProbe<Op extends OpBase>(
  codec: ProbeCodec<Op>,
  options: Omit<ProbeOptions, "object" | "probe"> & { readonly object: string },
  signal?: AbortSignal,
): Promise<ProbeSurvey> {
  const probe = codec.name;
  const started = performance.now();
  const outcome = Promise.withResolvers<Hello | ProbeExit>();
  const helper = startHelper(
    { ...options, probe },
    codec,
    (event) => {
      if (event.type === "hello") outcome.resolve(event.hello);
    },
    (exit) => outcome.resolve(exit),
  );
  const onAbort = (): void =>
    outcome.resolve({ requested: true, unsupported: false, message: "there was no time left" });
  if (signal?.aborted === true) onAbort();
  signal?.addEventListener("abort", onAbort, { once: true });
  const answer = await outcome.promise;
  signal?.removeEventListener("abort", onAbort);
  const attachMs = Math.round(performance.now() - started);
  await helper.stop();
  if ("requested" in answer) {
    const standing = answer.unsupported ? "unsupported" : "failed";
    return { probe, standing, rungs: {}, lacks: [], why: answer.message };
  }
  const { rungs, lacks } = attachedOf(answer);
  return {
    probe,
    standing: lacks.length === 0 ? "full" : "degraded",
    ...(answer.probe === probe ? undefined : { as: answer.probe }),
    release: answer.release,
    rungs,
    lacks,
    attachMs,
  };
}

function attachedOf(hello: Hello): Attached {
  const callbacks = isVfsHello(hello) ? hello.callbacks : [];
  const rungs: Record<string, number> = {};
  for (const { rung } of [...hello.hooks, ...callbacks]) if (rung !== "none") rungs[rung] = (rungs[rung] ?? 0) + 1;
  // What other file systems use too is left out on purpose, unless asked for.
  const missing = callbacks.filter(({ rung, shared }) => rung === "none" && !shared);
  const sentences = missing.map(({ function: name, why }) => `${name} is not seen: ${why ?? "no reason given"}`);
  // Where the oplock lies in an inode of cifs only the module's BTF says.
  const blind = callbacks.some(({ module, why }) => module === "cifs" && why === "the module cifs has no BTF");
  const oplock = blind ? ["oplocks are not known"] : [];
  return { rungs, lacks: [...missingWithout(hello.hooks), ...sentences, ...oplock] };
}
