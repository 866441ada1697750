import type { Lab } from "./guest/lab.ts";
import type { Preemption } from "./qemu.ts";
import type { Results } from "./results.ts";

/** Time limits are for a machine without other work; each is this many times as long. What is waited for usually comes at once. */
export const patience = 3;

/** One file in lab/scenarios/ exports one of these as its default. It is loaded twice: in the guest and on the host. */
export interface Scenario {
  /** The name of its file. */
  readonly name: string;
  /** One line for `lab list`. */
  readonly summary: string;
  /** Part of `npm test`, which must stay short; the others run in `npm run test:full`. */
  readonly thin?: boolean;
  /** Kernel lines that it makes sense on, and why not on the others; all when absent. */
  readonly kernels?: { readonly only: readonly string[]; readonly why: string };
  /** Preemption model that it needs; that of the kernel's packager when absent. */
  readonly preempt?: Preemption;
  /** PID 1 that it needs: a boot with the host's systemd instead of a shell. */
  readonly init?: "systemd";
  /** Why it cannot share a boot with others. */
  readonly alone?: string;
  /** What `--set KEY=VALUE` may change, with the default. */
  readonly settings?: Readonly<Record<string, string>>;
  /** In the guest: how long `setup` and `timeline` may take together, in s; 120 when absent. */
  readonly timeLimitSeconds?: number;
  /** Warnings that this scenario makes the kernel print; any other warning, oops or bug of the kernel fails it. */
  readonly expectedKernelWarnings?: RegExp;
  /** In the guest: servers, mounts, configuration. What is to be undone registers itself with `lab.onEnd`. */
  readonly setup: (lab: Lab) => Promise<void>;
  /** In the guest: workloads and faults, each as a step. Leaves files in `lab.out`. */
  readonly timeline: (lab: Lab) => Promise<void>;
  /** On the host, after the machine is gone: throws when the files do not show what they should. */
  readonly expect: (results: Results) => void | Promise<void>;
  /** On the host, after it passed: what a person is to see of it, e.g. what the demo found and where it is. */
  readonly present?: (results: Results) => string | Promise<string>;
}

/** Keeps the types of a scenario without an annotation. */
export function defineScenario(scenario: Scenario): Scenario {
  return scenario;
}

/** What the host asks of the driver in the guest: /run/lab/request.json. */
export interface GuestRequest {
  readonly kernel: string;
  readonly release: string;
  readonly scenarios: readonly string[];
  /** Values of `--set`. */
  readonly settings: Readonly<Record<string, string>>;
}

/** How one scenario went in the guest: out/NAME/outcome.json. */
export interface GuestOutcome {
  readonly scenario: string;
  readonly error?: string;
  readonly tookMs: number;
  /** Warnings, oopses and bugs that the kernel printed meanwhile. */
  readonly kernelProblems: readonly string[];
}

/** One line of out/NAME/events.ndjson. */
export interface TimelineEvent {
  readonly step: string;
  /** CLOCK_MONOTONIC of the guest, ms. */
  readonly startMs: number;
  readonly endMs: number;
  /** RFC 3339 with ms, of the start. */
  readonly time: string;
  readonly error?: string;
}
