import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { AodError, messageOf } from "../../src/system/error.ts";
import { patience, type TimelineEvent } from "../scenario.ts";
import { Background, type Ran, type RunOptions, run, type StartOptions } from "./process.ts";

const repo = resolve(import.meta.dirname, "../..");

/** What a scenario works with inside the guest. */
export class Lab {
  readonly scenario: string;
  readonly kernel: string;
  readonly settings: Readonly<Record<string, string>>;
  /** Result files: what is written here is on the host at once. */
  readonly out: string;
  /** For everything else: a directory in memory, gone with the guest. */
  readonly work: string;
  /** The environment in which `aod` runs: its state, run and config paths are below `work`. */
  readonly aodEnvironment: Readonly<Record<string, string>>;
  readonly #tell: (line: string) => void;
  readonly #undo: { readonly name: string; readonly action: () => Promise<void> }[] = [];
  #zero = performance.now();

  constructor(
    scenario: string,
    kernel: string,
    settings: Readonly<Record<string, string>>,
    out: string,
    tell: (line: string) => void,
  ) {
    this.scenario = scenario;
    this.kernel = kernel;
    this.settings = settings;
    this.out = out;
    this.work = join("/run/lab-work", scenario);
    this.#tell = tell;
    mkdirSync(this.out, { recursive: true });
    mkdirSync(this.work, { recursive: true });
    this.aodEnvironment = {
      AOD_CONFIG: join(this.work, "aod.yaml"),
      AOD_STATE_DIR: join(this.work, "aod-state"),
      AOD_RUN_DIR: join(this.work, "aod-run"),
    };
  }

  /** The value of a setting as a number. */
  number(setting: string): number {
    const value = Number(this.settings[setting]);
    if (!Number.isFinite(value))
      throw new AodError("usage", `setting ${setting} is not a number: ${this.settings[setting]}`);
    return value;
  }

  /** A line for people, shown on the host at once. */
  tell(line: string): void {
    this.#tell(line);
  }

  /** Does something under a name: it is shown on the host and noted with its times in events.ndjson. */
  async step<T>(name: string, action: () => T | Promise<T>): Promise<T> {
    const startMs = performance.now();
    const time = new Date().toISOString();
    this.#tell(name);
    let error: string | undefined;
    try {
      return await action();
    } catch (thrown) {
      error = messageOf(thrown);
      throw thrown;
    } finally {
      const base = Number(process.hrtime.bigint()) / 1e6 - performance.now();
      const event: TimelineEvent = {
        step: name,
        startMs: startMs + base,
        endMs: performance.now() + base,
        time,
        ...(error === undefined ? {} : { error }),
      };
      appendFileSync(join(this.out, "events.ndjson"), `${JSON.stringify(event)}\n`);
    }
  }

  /** A step that begins `seconds` after the begin of the time line; at once when that is past. */
  async at<T>(seconds: number, name: string, action: () => T | Promise<T>): Promise<T> {
    const wait = this.#zero + seconds * 1000 - performance.now();
    if (wait > 0) await sleep(wait);
    return this.step(name, action);
  }

  /** Called by the driver: `at` counts from now. */
  startTimeline(): void {
    this.#zero = performance.now();
  }

  async sleep(seconds: number): Promise<void> {
    await sleep(seconds * 1000);
  }

  /** Waits until `condition` holds; an error after `seconds`, on a busy machine after `patience` times as long. */
  async until(what: string, seconds: number, condition: () => boolean | Promise<boolean>): Promise<void> {
    const limit = seconds * patience;
    const end = performance.now() + limit * 1000;
    while (!(await condition())) {
      if (performance.now() > end) throw new AodError("failed", `${what}: not within ${limit} s`);
      await sleep(100);
    }
  }

  /** Runs a program to its end; see `run` in process.ts. */
  run(argv: readonly string[], options?: RunOptions): Promise<Ran> {
    return run(argv, options);
  }

  /** Starts a program in the background; it is stopped at the end of the scenario. File names are below `out`. */
  start(argv: readonly string[], options: StartOptions = {}): Background {
    const background = new Background(argv, {
      ...options,
      ...(options.stdout === undefined ? {} : { stdout: resolve(this.out, options.stdout) }),
      ...(options.stderr === undefined ? {} : { stderr: resolve(this.out, options.stderr) }),
    });
    this.onEnd(`stop ${argv[0]}`, async () => {
      await background.stop();
    });
    return background;
  }

  /** argv of the built tool as a user runs it, or of one of its links (`smbslower`). */
  aodArgv(args: readonly string[], program = "aod"): string[] {
    return [join(repo, "bin", program), ...args];
  }

  /** Runs `aod ARGS` to its end. */
  aod(args: readonly string[], options: RunOptions = {}): Promise<Ran> {
    return run(this.aodArgv(args), { ...options, env: { ...this.aodEnvironment, ...options.env } });
  }

  /** Starts `aod ARGS` in the background, its output in `NAME.out` and `NAME.err` unless told otherwise. */
  startAod(args: readonly string[], options: StartOptions & { readonly name?: string } = {}): Background {
    const name = options.name ?? args[0] ?? "aod";
    return this.start(this.aodArgv(args), {
      stdout: `${name}.out`,
      stderr: `${name}.err`,
      ...options,
      env: { ...this.aodEnvironment, ...options.env },
    });
  }

  /** Writes a result file. */
  write(name: string, content: string | Uint8Array): void {
    const path = join(this.out, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content);
  }

  writeJson(name: string, value: unknown): void {
    this.write(name, `${JSON.stringify(value, null, 1)}\n`);
  }

  /** Copies a file of the kernel (or any small file) into the results and returns its text. */
  keep(path: string, name: string): string {
    const text = readFileSync(path, "utf8");
    this.write(name, text);
    return text;
  }

  /** Registers what is to be undone at the end of the scenario; the last one registered goes first. */
  onEnd(name: string, action: () => Promise<void>): void {
    this.#undo.push({ name, action });
  }

  /** Called by the driver. What cannot be undone is told; the rest goes on. */
  async end(): Promise<string[]> {
    const failures: string[] = [];
    for (let next = this.#undo.pop(); next !== undefined; next = this.#undo.pop()) {
      try {
        await next.action();
      } catch (error) {
        failures.push(`${next.name}: ${messageOf(error)}`);
      }
    }
    return failures;
  }
}
