import { type Probe, startProbe } from "../../src/probe/helper.ts";
import type { Hook, Loss, SmbOp, SmbParams } from "../../src/probe/op.ts";
import { nativePaths } from "../../src/system/paths.ts";
import type { Lab } from "./lab.ts";
import type { Rung } from "./rungs.ts";

/** What of an op and of its parameters a judgement on the host needs. */
export interface LoggedOp {
  readonly seq: number;
  readonly command: string;
  readonly connection: string;
  readonly session: string;
  readonly tree: number;
  readonly mid: string;
  readonly comm: string;
  readonly tid: number;
  readonly uid: number;
  readonly compound: boolean;
  readonly late: boolean;
  readonly startedNs: number;
  readonly latencyUs: number;
  readonly phases: SmbOp["phasesUs"];
  readonly status?: number;
  readonly end?: string;
  readonly errno?: number;
  /** Of its parameters, when they came before it: hexadecimal, and the name as text. */
  readonly fixed?: string;
  readonly name?: string;
}

export interface WireSaid {
  readonly hooks: readonly Hook[];
  readonly ops: readonly LoggedOp[];
  readonly losses: readonly Loss[];
  /** Released requests as the ticks count them: connection -> command code -> count. */
  readonly counted: Readonly<Record<string, Readonly<Record<string, number>>>>;
  /** Records of parameters without an op. */
  readonly unclaimed: number;
}

export interface WireLogOptions extends Rung {
  readonly params?: boolean;
}

/** An aod-probe of smb_wire for which every request is an outlier, and all that it says. */
export class WireLog {
  readonly #ops: LoggedOp[] = [];
  readonly #params = new Map<number, SmbParams>();
  readonly #counted: Record<string, Record<string, number>> = {};
  #hooks: readonly Hook[] = [];
  #losses: readonly Loss[] = [];
  #ended: string | undefined;
  #ticks = 0;
  readonly #probe: Probe;

  private constructor(options: WireLogOptions) {
    const { params, ...rung } = options;
    const paths = nativePaths();
    this.#probe = startProbe(
      {
        program: paths.probe,
        object: paths.object("smb_wire"),
        probe: "smb_wire",
        ...(params === true ? { args: ["--params"] } : {}),
        ...rung,
      },
      (event) => {
        if (event.type === "hello") this.#hooks = event.hello.hooks;
        if (event.type === "lost") this.#losses = event.losses;
        if (event.type === "params") for (const one of event.params) this.#params.set(one.seq, one);
        if (event.type === "ops") for (const op of event.ops) this.#take(op);
        if (event.type === "tick") {
          this.#ticks++;
          for (const { connectionId, commandCode, count } of event.tick.entries) {
            const commands = this.#counted[String(connectionId)] ?? {};
            this.#counted[String(connectionId)] = commands;
            commands[commandCode] = (commands[commandCode] ?? 0) + count;
          }
        }
      },
      ({ requested, message }) => {
        if (!requested) this.#ended = message;
      },
    );
    this.#probe.set({ slowUs: 0, errorCommands: [], inflightUs: null });
  }

  /** Returns once it is attached. */
  static async start(lab: Lab, options: WireLogOptions = {}): Promise<WireLog> {
    const log = new WireLog(options);
    lab.onEnd("stop the wire log", () => log.#probe.stop());
    await lab.until("the wire log is attached", 60, () => {
      if (log.#ended !== undefined) throw new Error(log.#ended);
      return log.#hooks.length > 0;
    });
    return log;
  }

  /** seq of the newest request that was seen to end. */
  get last(): number {
    return this.#ops.reduce((last, op) => Math.max(last, op.seq), 0);
  }

  /** Ends it after two more ticks. */
  async stop(lab: Lab): Promise<WireSaid> {
    const ticks = this.#ticks;
    await lab.until("two ticks", 30, () => this.#ticks >= ticks + 2);
    await this.#probe.stop();
    if (this.#ended !== undefined) throw new Error(this.#ended);
    const { length: ops } = this.#ops.filter((op) => op.fixed !== undefined);
    return {
      hooks: this.#hooks,
      ops: this.#ops,
      losses: this.#losses,
      counted: this.#counted,
      unclaimed: this.#params.size - ops,
    };
  }

  #take(op: SmbOp): void {
    const params = this.#params.get(op.seq);
    this.#ops.push({
      seq: op.seq,
      command: op.command,
      connection: String(op.connectionId),
      session: `0x${op.sessionId.toString(16)}`,
      tree: op.treeId,
      mid: String(op.mid),
      comm: op.comm,
      tid: op.tid,
      uid: op.uid,
      compound: op.compound,
      late: op.lateAnswer,
      startedNs: op.startedNs,
      latencyUs: op.latencyUs,
      phases: op.phasesUs,
      ...(op.status === undefined ? undefined : { status: op.status }),
      ...(op.end === undefined ? undefined : { end: op.end }),
      ...(op.errno === undefined ? undefined : { errno: op.errno }),
      ...(params === undefined
        ? undefined
        : { fixed: params.fixed.toString("hex"), name: params.text.toString("utf16le") }),
    });
  }
}
