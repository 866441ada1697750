import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { AodError } from "../src/system/error.ts";
import { linesIn } from "./replayed.ts";
import type { TimelineEvent } from "./scenario.ts";

/** The files that a scenario left, as its `expect` reads them on the host. */
export class Results {
  /** Directory on the host; `lab.out` in the guest. */
  readonly directory: string;
  /** Kernel line, e.g. `6.12`. */
  readonly kernel: string;
  readonly settings: Readonly<Record<string, string>>;

  constructor(directory: string, kernel: string, settings: Readonly<Record<string, string>>) {
    this.directory = directory;
    this.kernel = kernel;
    this.settings = settings;
  }

  path(name: string): string {
    return join(this.directory, name);
  }

  has(name: string): boolean {
    return existsSync(this.path(name));
  }

  names(): string[] {
    return readdirSync(this.directory, { recursive: true }).map(String).sort();
  }

  text(name: string): string {
    if (!this.has(name)) throw new AodError("failed", `no result file ${name}; there are: ${this.names().join(", ")}`);
    return readFileSync(this.path(name), "utf8");
  }

  json(name: string): unknown {
    return JSON.parse(this.text(name));
  }

  /** One object a line; empty lines are skipped. */
  ndjson(name: string): unknown[] {
    return linesIn(this.text(name));
  }

  /** The steps of the time line in the order of their ends. */
  events(): TimelineEvent[] {
    return this.ndjson("events.ndjson") as TimelineEvent[];
  }

  /** The one step of this name. */
  event(step: string): TimelineEvent {
    const found = this.events().filter((event) => event.step === step);
    const [event] = found;
    if (event === undefined || found.length > 1) {
      throw new AodError(
        "failed",
        `${found.length} steps are called "${step}"; there are: ${this.events()
          .map((other) => other.step)
          .join(", ")}`,
      );
    }
    return event;
  }
}
