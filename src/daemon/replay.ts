import type { BundleAnomaly } from "../bundle/manifest.ts";
import type { Config } from "../config/config.ts";
import type { Anomaly } from "../detect/detector.ts";
import type { Observation } from "../detect/observation.ts";
import type { OpEvent } from "../probe/codec.ts";
import { startHelper } from "../probe/helper.ts";
import type { OpBase } from "../probe/op.ts";
import { smbWire } from "../probe/smb-wire.ts";
import { debugDataIn } from "../probe/target-names.ts";
import { Player } from "../record/player.ts";
import type { Recording } from "../record/reader.ts";
import { type Clock, formatWall, standingClock } from "../system/clock.ts";
import { AodError } from "../system/error.ts";
import type { CloseReason, Incident, IncidentStep } from "./incidents/incidents.ts";
import { anomalyJson, type IncidentJson, openIncidentJson } from "./incidents/json.ts";
import { Judge } from "./judge.ts";
import { furtherKinds } from "./probes/further-probes.ts";

/** What the daemon would have noticed, as it comes. */
export interface ReplayNews {
  readonly opened?: (incident: IncidentJson) => void;
  readonly closed: (incident: IncidentJson) => void;
  /** An incident was not opened, because too many were open or the fault of the last one still lasted. */
  readonly dropped?: (anomaly: BundleAnomaly, reason: string) => void;
}

/** How often it happened. */
export interface ReplayCounts {
  readonly incidents: number;
  readonly anomalies: number;
  readonly dropped: number;
  /** Hangs that DebugData knew nothing of. */
  readonly ghosts: number;
  /** Pieces that the recording lacks. */
  readonly lost: number;
}

const BEAT_NS = 1e9;

/** Lets the daemon's detectors and incident rules judge a recording by its own clock. No bundle is made. */
export async function replayDaemon(recording: Recording, config: Config, news: ReplayNews): Promise<ReplayCounts> {
  const player = new Player(recording);
  const { clock } = player;
  const open = new Map<string, Replayed>();
  let incidents = 0;
  const onStep = (step: IncidentStep, anomaly: Anomaly): void => {
    if (step.type === "noted") return;
    if (step.type === "dropped") news.dropped?.(anomalyJson(anomaly, clock), step.reason);
    else if (step.type === "grew") open.get(step.incident.id)?.grew(anomaly);
    else {
      incidents++;
      const replayed = new Replayed(step.incident, clock);
      open.set(step.incident.id, replayed);
      news.opened?.(replayed.json());
    }
  };
  const judge = new Judge({
    config,
    clock,
    readDebugData: debugDataIn(player.readProc),
    suffix: () => String(incidents + 1).padStart(4, "0"),
    onStep,
  });
  const close = (closed: ReturnType<Judge["advance"]>): void => {
    for (const { incident, reason } of closed) {
      const replayed = open.get(incident.id);
      open.delete(incident.id);
      if (replayed !== undefined) news.closed(replayed.json(reason));
    }
  };
  const beats = new Beats(clock, () => close(judge.advance()));
  const heard: Heard = { error: undefined };
  hear(player, recording, judge, heard);
  hearFurther(player, recording, judge, heard);
  await player.play({
    goesOn: () => beats.pass(),
    waiters: (waiters) => judge.waiters(waiters),
    // As it was written: a program that knows less of it hears what it knows.
    observation: (observation) => judge.observe(observation as Observation),
    beat: () => beats.recorded(),
  });
  // Its helper went on: it is this program that does not understand it.
  if (heard.error !== undefined) throw new AodError("usage", `${recording.path} cannot be replayed: ${heard.error}`);
  close(judge.end());
  const { tooManyOpen, tooManyAnHour, sameFault } = judge.incidents.dropped;
  const { anomalies, ghostAnomalies: ghosts } = judge.counters;
  return { incidents, anomalies, dropped: tooManyOpen + tooManyAnHour + sameFault, ghosts, lost: player.lost };
}

/** What a helper could not go on for, until it has ended. */
interface Heard {
  error: string | undefined;
}

/** The same of the probes beside smb_wire, as far as the recording has them. */
function hearFurther(player: Player, recording: Recording, judge: Judge, heard: Heard): void {
  for (const kind of furtherKinds) {
    if (!recording.header.probes.some(({ name }) => name === kind.name)) continue;
    const options = { program: "aod-probe", object: "", start: player.start, clock: player.clock };
    const again = (): void => {
      const hears = {
        event: (event: OpEvent<OpBase>) => {
          if (event.type === "error") heard.error = event.message;
        },
        observed: (observation: Observation) => judge.observe(observation),
      };
      kind.start(options, hears, () => {
        heard.error = undefined;
        again();
      });
    };
    again();
  }
}

/** Every helper that the daemon of that time started, one after the other. */
function hear(player: Player, recording: Recording, judge: Judge, heard: Heard): void {
  const options = { program: "aod-probe", object: "", probe: smbWire.name, start: player.start, clock: player.clock };
  if (!recording.header.probes.some(({ name }) => name === smbWire.name)) {
    throw new AodError("usage", `${recording.path} holds nothing of ${smbWire.name}, which the daemon judges by`);
  }
  startHelper(
    options,
    smbWire,
    (event) => {
      if (event.type === "error") heard.error = event.message;
      judge.event(event);
    },
    () => {
      heard.error = undefined;
      hear(player, recording, judge, heard);
    },
  );
}

/** The daemon's seconds, where the recording has none because no daemon was there. */
class Beats {
  private readonly clock: Clock;
  private readonly beat: () => void;
  private atNs: number;
  private has = false;

  constructor(clock: Clock, beat: () => void) {
    this.clock = clock;
    this.beat = beat;
    this.atNs = clock.nowNs();
  }

  recorded(): void {
    this.has = true;
    this.beat();
  }

  pass(): true {
    if (!this.has && this.clock.nowNs() - this.atNs >= BEAT_NS) {
      this.atNs = this.clock.nowNs();
      this.beat();
    }
    return true;
  }
}

/** An incident as the daemon tells it. */
class Replayed {
  private readonly incident: Incident;
  private readonly clock: Clock;
  private readonly opened: string;
  private readonly anomalies: BundleAnomaly[];

  constructor(incident: Incident, clock: Clock) {
    this.incident = incident;
    this.clock = standingClock(clock);
    this.opened = formatWall(this.clock.wallMs());
    this.anomalies = [anomalyJson(incident.first, this.clock)];
  }

  grew(anomaly: Anomaly): void {
    if (this.anomalies.length < this.incident.anomalies.length) this.anomalies.push(anomalyJson(anomaly, this.clock));
  }

  json(reason?: CloseReason): IncidentJson {
    const open = openIncidentJson(this.incident, { opened: this.opened, anomalies: [...this.anomalies] });
    if (reason === undefined) return open;
    return { ...open, state: "closed", closed: formatWall(this.clock.wallMs()), close_reason: reason };
  }
}
