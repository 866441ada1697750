import { type Config, detectorRules } from "../config/config.ts";
import { BoundedMap } from "../detect/bounded-map.ts";
import { type Anomaly, type Detector, mergeNeeds, type Needs } from "../detect/detector.ts";
import type { Observation, ObservationOf } from "../detect/observation.ts";
import { reconfigure } from "../detect/reconfigure.ts";
import { createDetectors, type DetectorRules } from "../detect/registry.ts";
import { Standing } from "../detect/standing.ts";
import type { ProbeEvent, SmbTarget, Waiter } from "../probe/op.ts";
import { type ReadDebugData, TargetNames } from "../probe/target-names.ts";
import type { Clock } from "../system/clock.ts";
import { checkHang } from "./hang-check.ts";
import { incidentId } from "./incidents/id.ts";
import {
  type CloseReason,
  type Incident,
  type IncidentRules,
  type IncidentStep,
  Incidents,
  type IncidentTarget,
} from "./incidents/incidents.ts";
import { smbObservations } from "./probes/observations.ts";

export interface JudgeDeps {
  readonly config: Config;
  readonly clock: Clock;
  readonly readDebugData: ReadDebugData;
  /** Tells incidents of one second apart; random when absent. */
  readonly suffix?: () => string;
  /** Every anomaly that stands, with what it did to the incidents. */
  readonly onStep: (step: IncidentStep, anomaly: Anomaly, target: IncidentTarget) => void;
}

const MAX_SERVERS = 4096;
/** Observations in, incidents out: nothing of it depends on anything but its clock, DebugData and what it is given. */
export class Judge {
  readonly incidents: Incidents;
  detectors: readonly Detector[];
  needs: Needs;
  readonly counters = { anomalies: 0, ghostAnomalies: 0 };
  readonly #deps: JudgeDeps;
  readonly #names: TargetNames;
  #rules: DetectorRules;
  readonly #servers = new BoundedMap<string, string>(MAX_SERVERS);
  readonly #standing = new Standing();
  #ended = false;

  constructor(deps: JudgeDeps) {
    const { config, clock } = deps;
    this.#deps = deps;
    this.#rules = detectorRules(config);
    this.detectors = createDetectors(this.#rules);
    this.needs = mergeNeeds(this.detectors.map((detector) => detector.needs));
    this.#names = new TargetNames(deps.readDebugData, clock);
    this.incidents = new Incidents(incidentRules(config), (anomaly) =>
      incidentId(clock.wallMs(), anomaly.detector, deps.suffix),
    );
  }

  /** Another configuration from now on; every detector keeps what it has seen and learnt. */
  configure(config: Config): void {
    const rules = detectorRules(config);
    const detectors = reconfigure(this.detectors, this.#rules, rules);
    const known = new Set(this.detectors);
    const told = this.#standing.observations(this.#deps.clock.nowNs());
    // What was told once must reach who comes later.
    for (const detector of detectors) if (!known.has(detector)) for (const one of told) detector.observe(one);
    this.#rules = rules;
    this.detectors = detectors;
    this.needs = mergeNeeds(detectors.map((detector) => detector.needs));
    this.incidents.configure(incidentRules(config));
  }

  event(event: ProbeEvent): void {
    const nowNs = this.#deps.clock.nowNs();
    // So that a name is there when an anomaly needs it.
    if (event.type === "tick") for (const entry of event.tick.entries) this.#names.of(entry);
    for (const observation of smbObservations(event, nowNs)) this.#observe(observation);
  }

  /** Tasks that wait for a reconnect. */
  waiters(waiters: readonly Waiter[]): void {
    if (waiters.length === 0) return;
    this.#observe({ type: "inflight", nowNs: this.#deps.clock.nowNs(), inflight: { ops: [], waiters } });
  }

  /** What a source saw. */
  observe(observation: Observation): void {
    this.#standing.take(observation);
    if (observation.type === "mounts") this.#learn(observation);
    this.#observe(observation);
  }

  /** What must close by now. About once a second. */
  advance(): { readonly incident: Incident; readonly reason: CloseReason }[] {
    return this.incidents.advance(this.#deps.clock.nowNs());
  }

  /** Closes all; nothing opens any more. */
  end(): { readonly incident: Incident; readonly reason: CloseReason }[] {
    this.#ended = true;
    return this.incidents.closeAll();
  }

  #observe(observation: Observation): void {
    for (const detector of this.detectors) {
      for (const anomaly of detector.observe(observation)) {
        const standing = this.#standingOf(anomaly);
        if (standing !== undefined) this.#take(standing);
      }
    }
  }

  /** A hang that only the probe sees is a release that the kernel lost; one that DebugData lists says so. */
  #standingOf(anomaly: Anomaly): Anomaly | undefined {
    const { hang, evidence } = anomaly;
    if (hang === undefined) return anomaly;
    const data = this.#deps.readDebugData();
    const { stands, ghosts } = checkHang(hang, data);
    if (ghosts.length > 0) for (const detector of this.detectors) detector.reject(ghosts);
    if (!stands) {
      this.counters.ghostAnomalies++;
      return undefined;
    }
    return data === undefined ? anomaly : { ...anomaly, evidence: { ...evidence, confirmed_by: "DebugData" } };
  }

  #take(anomaly: Anomaly): void {
    // Nobody would close what opens now.
    if (this.#ended) return;
    this.counters.anomalies++;
    const target = this.#targetOf(anomaly.target);
    this.#deps.onStep(this.incidents.take(anomaly, target, this.#deps.clock.nowNs()), anomaly, target);
  }

  /** What the anomaly names, else what is known of its connection or address. */
  #targetOf({ protocol, server, address, share, export: path, ...ids }: Anomaly["target"]): IncidentTarget {
    const { connectionId } = ids;
    const known = this.#nameOf(ids);
    const named =
      server ?? known.server ?? (address === undefined ? undefined : (this.#servers.get(address) ?? address));
    const what = share ?? known.share ?? (path === undefined || named === undefined ? undefined : `${named}:${path}`);
    return {
      ...(protocol === undefined ? {} : { protocol }),
      ...(named === undefined ? {} : { server: named }),
      ...(what === undefined ? {} : { share: what }),
      ...(connectionId === undefined ? {} : { connectionId }),
    };
  }

  /** Some sources know a server by its address alone. */
  #learn({ mounted }: ObservationOf<"mounts">): void {
    for (const { target } of mounted) {
      if (target.server !== undefined && target.address !== undefined) this.#servers.set(target.address, target.server);
    }
  }

  #nameOf({ connectionId, sessionId = 0n, treeId = 0 }: Anomaly["target"]): SmbTarget {
    return connectionId === undefined ? {} : this.#names.of({ connectionId, sessionId, treeId });
  }
}

function incidentRules({ incidents }: Config): IncidentRules {
  return {
    coolDownNs: incidents.cool_down,
    maxLengthNs: incidents.max_length,
    repeatNs: incidents.repeat,
    postNs: incidents.post,
    maxOpen: incidents.max_open,
    maxPerHour: incidents.max_per_hour,
    maxAnomalies: incidents.max_anomalies,
  };
}
