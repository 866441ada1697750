import type { KernelMessage } from "../system/kernel-message.ts";
import { Blindness } from "./blind.ts";
import type { Anomaly, AnomalyTarget, Detector, Needs, Severity } from "./detector.ts";
import type { Observation } from "./observation.ts";
import { keyOf, targetText } from "./target.ts";
import { Verdicts } from "./verdicts.ts";

export interface KernelLogRules {
  /** By id of the catalogue, or `notice`, `recovered`, `trouble` for all of that kind: `off` is not told. */
  readonly severities: ReadonlyMap<string, Severity | "off">;
  readonly quietNs: number;
}

/** What the kernel log says, by the catalogue of its messages. */
export class KernelLogDetector implements Detector {
  readonly name = "kernel-log";
  readonly needs: Needs = { slowNs: new Map() };
  #rules: KernelLogRules;
  readonly #verdicts = new Verdicts("kernel-log");
  readonly #blindness = new Blindness([{ source: "kernel-log", without: "no message of the kernel" }]);
  #messages = 0;

  constructor(rules: KernelLogRules) {
    this.#rules = rules;
  }

  configure(rules: KernelLogRules): void {
    this.#rules = rules;
  }

  observe(observation: Observation): Anomaly[] {
    this.#blindness.observe(observation);
    if (observation.type !== "kernel-messages") return [];
    this.#messages += observation.messages.length;
    return observation.messages.flatMap((message) => this.#judge(message));
  }

  reject(): void {}

  state(): Readonly<Record<string, number>> {
    return { messages: this.#messages };
  }

  blind(): string[] {
    return this.#blindness.blind();
  }

  #judge(message: KernelMessage): Anomaly[] {
    const { id, protocol, kind, timeNs, level, server, share, errno, status, text } = message;
    const { severities, quietNs } = this.#rules;
    const severity = severities.get(id) ?? severities.get(kind) ?? "off";
    if (severity === "off") return [];
    const target: AnomalyTarget = {
      protocol,
      ...(server === undefined ? {} : { server }),
      ...(share === undefined ? {} : { share }),
    };
    const about = server === undefined && share === undefined ? "" : ` (${targetText(target)})`;
    return [
      this.#verdicts.tell({
        rule: id,
        key: keyOf(target),
        severity,
        timeNs,
        quietNs,
        target,
        summary: `kernel log: ${text.slice(0, 300)}${text.includes(targetText(target)) ? "" : about}`,
        evidence: {
          id,
          level,
          kind,
          ...(errno === undefined ? {} : { errno }),
          ...(status === undefined ? {} : { status: `0x${status.toString(16)}` }),
          ...(message.count === undefined ? {} : { number: message.count }),
        },
      }),
    ];
  }
}
