import type { ProbeStatus, SourceStatus, Status } from "../daemon/status.ts";
import { colours as pc } from "../system/colours.ts";
import { printable } from "../tools/table-text.ts";

/** `aod status` for people. */
export function statusText(status: Status): string {
  const { versions, incidents, bundles, memory } = status;
  const anon = memory.rss_anon === undefined ? "" : ` (${bytes(memory.rss_anon)} of its own)`;
  const lines = [
    `${pc.bold("aod")} ${versions.aod}   pid ${status.pid}, up ${span(status.uptime_s)}, ${bytes(memory.rss)} resident${anon}`,
    field("config", status.config),
    ...reloadLines(status.config_reload),
    ...continuityLines(status.continuity),
    field("kernel", `${versions.kernel}, Node ${versions.node}`),
    "",
    ...status.probes.flatMap(probeLines),
    "",
    ...status.sources.flatMap(sourceLines),
    "",
    field("targets", status.targets.length === 0 ? pc.dim("no SMB connection") : ""),
    ...status.targets.map((target) => {
      const state = target.connection === "good" ? pc.green("good") : pc.yellow(target.connection);
      return `  ${printable(target.server ?? "?")}  ${state}  ${pc.dim(target.connection_id)}  ${target.shares.map(printable).join(" ")}`;
    }),
    "",
    ...status.detectors.flatMap(({ name, blind, ...state }) => [
      field(name, countsText(state)),
      ...blind.map((text) => `  ${pc.yellow("blind")}   ${printable(text)}`),
    ]),
    field("anomalies", `${incidents.anomalies}${droppedText(incidents.dropped)}`),
    ...announcedLines(incidents.announced),
    field(
      "incidents",
      `${incidents.open.length === 0 ? "none open" : pc.red(`${incidents.open.length} open`)}, ${incidents.remembered} remembered`,
    ),
    ...incidents.open.map(
      (incident) => `  ${pc.bold(incident.id)}  ${printable(incident.anomalies[0]?.summary ?? "")}`,
    ),
    ...(incidents.index_error === undefined
      ? []
      : [`  ${pc.red("the index cannot be written:")} ${incidents.index_error}`]),
    field(
      "bundles",
      `${bundles.count} (${bytes(bundles.bytes)}) in ${bundles.directory}${freeText(bundles.free_bytes)}`,
    ),
    ...(bundles.error === undefined ? [] : [`  ${pc.red("cannot be listed:")} ${bundles.error}`]),
    ...(bundles.last_error === undefined
      ? []
      : [`  ${pc.red("last error")} ${bundles.last_error.time}: ${bundles.last_error.message}`]),
    ...recorderLines(status.recorder),
    ...captureLines(status.captures),
    ...bundles.recovered.map(
      (report) => `  ${pc.yellow(`${report.action} at the start`)} ${report.id}: ${report.reason}`,
    ),
  ];
  return `${lines.join("\n")}\n`;
}

function continuityLines(continuity: Status["continuity"]): string[] {
  if (continuity === undefined) return [];
  const { pauses, last_pause: pause, clock_steps: steps, last_clock_step: step } = continuity;
  return [
    ...(pause === undefined
      ? []
      : [`  ${pc.yellow(`did not run ${pauses} times, the last time for ${span(pause.for_s)} until ${pause.time}`)}`]),
    ...(step === undefined
      ? []
      : [
          `  ${pc.yellow(`the clock was set, or the machine slept, ${steps} times, the last time at ${step.time} by ${step.by_s} s`)}`,
        ]),
  ];
}

function reloadLines(reload: Status["config_reload"]): string[] {
  if (reload === undefined) return [];
  const { time, result, message } = reload;
  if (result === "taken") return [`  ${pc.dim(`reloaded ${time}${message === undefined ? "" : `; ${message}`}`)}`];
  return [`  ${pc.red(`a reload was refused at ${time}, the old one goes on:`)} ${printable(message ?? "")}`];
}

const packetStates: Readonly<Record<string, string>> = {
  recording: "recorded all the time",
  armed: "recorded from the first sign of trouble on",
  triggered: "recorded since a sign of trouble",
  waiting: "recorded when there is a mount",
};

function recorderLines(recorder: Status["recorder"]): string[] {
  if (recorder === undefined) return [];
  const { events, packets, verbose } = recorder;
  const why = (text: string | undefined): string => (text === undefined ? "" : `: ${printable(text)}`);
  const cost = packets.cost === undefined ? "" : `, costs ${(packets.cost * 100).toFixed(2)} % of a processor`;
  const dropped = packets.dropped > 0 ? `, ${pc.yellow(`${packets.dropped} dropped`)}` : "";
  return [
    field(
      "events",
      events.state === "recording"
        ? `${events.events} trace events are recorded${events.lost > 0 ? pc.yellow(`, ${events.lost} lost`) : ""}`
        : `${pc.yellow(events.state)}${why(events.why)}`,
    ),
    field("packets", `${packetStates[packets.state] ?? packets.state}${why(packets.why)}${cost}${dropped}`),
    ...(verbose.state === "off" ? [] : [field("verbose", pc.yellow("the clients log verbosely for an incident"))]),
    ...(verbose.put_back ?? []).map((path) => `  ${pc.yellow("put back at the start")} ${path}`),
    ...(verbose.errors ?? []).map((error) => `  ${pc.red("verbose logging:")} ${printable(error)}`),
  ];
}

/** What an incident would get here; `absent` is not a fault. */
function captureLines(captures: Status["captures"]): string[] {
  if (captures === undefined) return [field("captures", pc.dim("not tried yet"))];
  if (captures.error !== undefined) return [field("captures", pc.red(captures.error))];
  const good = captures.items.filter(({ status }) => status === "ok" || status === "truncated");
  const rest = captures.items.filter((item) => !good.includes(item));
  return [
    field("captures", `${good.length} files at an opening`),
    ...rest.map(({ name, status, reason }) => `  ${pc.yellow(status)} ${name}: ${printable(reason ?? "")}`),
  ];
}

function probeLines(probe: ProbeStatus): string[] {
  const good = probe.state === "running";
  const state = good ? pc.green("attached") : pc.yellow(probe.state);
  const retry = probe.retry_in_s === undefined ? "" : `, again in ${probe.retry_in_s} s`;
  const counts = [
    ...(probe.operations === undefined
      ? []
      : [`${probe.operations} operations${probe.history === undefined ? "" : `, the last ${probe.history} kept`}`]),
    ...(probe.open_requests === undefined ? [] : [`${probe.open_requests} in flight`]),
  ];
  const hooks = probe.hooks ?? [];
  const rungs = [...new Set(hooks.map((hook) => hook.rung))].map(
    (rung) => `${hooks.filter((hook) => hook.rung === rung).length} ${rung}`,
  );
  return [
    field(probe.name, [`${state}${probe.why === undefined ? "" : `: ${probe.why}`}${retry}`, ...counts].join(", ")),
    ...(hooks.length === 0 ? [] : [`  ${pc.dim("hooks")}   ${rungs.join(", ")}`]),
    ...hooks
      .filter((hook) => hook.why !== undefined)
      .map(
        (hook) =>
          `          ${pc.yellow(hook.name)} (${hook.function}) is on ${hook.rung}: ${printable(hook.why ?? "")}`,
      ),
    ...probe.without.map((text) => `  ${pc.dim("without")} ${text}`),
    `  ${pc.dim("lost")}    ${probe.losses.length === 0 ? "nothing counted" : probe.losses.map(lossText).join(", ")}`,
  ];
}

/** One line, unless something is to be said. */
function sourceLines(source: SourceStatus): string[] {
  const { state, why } = source;
  const color = state === "ok" ? pc.green : state === "off" || state === "starting" ? pc.dim : pc.yellow;
  const said = color(`${state}${why === undefined ? "" : `: ${printable(why)}`}`);
  const success = source.last_success === undefined ? "" : `, last ${clockTime(source.last_success)}`;
  const took = source.took_ms === undefined ? "" : ` in ${Number(source.took_ms.toPrecision(2))} ms`;
  const bad = [
    ...(source.failures > 0 ? [`${source.failures} failed`] : []),
    ...(source.timeouts > 0 ? [`${source.timeouts} too slow`] : []),
    ...(source.skipped > 0 ? [`${source.skipped} skipped`] : []),
    ...source.losses.map(({ kind, count }) => `${kind} ${count}`),
  ];
  const trouble = bad.length === 0 ? "" : `, ${pc.yellow(bad.join(", "))}`;
  return [`${pc.cyan(source.name.padEnd(12))} ${said}${success}${took}${trouble}`];
}

/** `13:05:11` of a time as the status has it. */
function clockTime(time: string): string {
  return `${time.slice(11, 19)}Z`;
}

function lossText({ kind, detail, count }: ProbeStatus["losses"][number]): string {
  return pc.yellow(`${kind}${detail === undefined ? "" : ` ${detail}`} ${count}`);
}

/** Only what is not as it should be. */
function announcedLines(announced: Status["incidents"]["announced"]): string[] {
  if (announced === undefined) return [];
  const { journal, last_error: error, dropped } = announced;
  return [
    ...(journal === "ok" || journal === "off" ? [] : [`  ${pc.yellow("journal")} ${journal}`]),
    ...(error === undefined ? [] : [`  ${pc.yellow("not told")} ${printable(error)}`]),
    ...(dropped === 0 ? [] : [`  ${pc.yellow("not told")} ${dropped}, too many waited`]),
  ];
}

function droppedText(dropped: Status["incidents"]["dropped"]): string {
  const { same_fault, too_many_open, too_many_an_hour, not_hanging } = dropped;
  const parts = [
    ...(too_many_an_hour > 0 ? [`${too_many_an_hour} dropped, too many incidents in an hour`] : []),
    ...(same_fault > 0 ? [`${same_fault} of a fault that lasts`] : []),
    ...(too_many_open > 0 ? [`${too_many_open} dropped, too many incidents were open`] : []),
    ...(not_hanging > 0 ? [`${not_hanging} did not hang`] : []),
  ];
  return parts.length === 0 ? "" : ` (${parts.join(", ")})`;
}

function countsText(state: Readonly<Record<string, number | string | readonly string[]>>): string {
  return Object.entries(state)
    .map(([name, value]) => `${value} ${name.replaceAll("_", " ")}`)
    .join(", ");
}

function freeText(free: number | undefined): string {
  return free === undefined ? "" : `, ${bytes(free)} free`;
}

function field(name: string, value: string): string {
  return `${pc.cyan(name.padEnd(9))} ${value}`;
}

export function bytes(count: number): string {
  const units = ["bytes", "KiB", "MiB", "GiB", "TiB"];
  let value = count;
  let unit = 0;
  for (; value >= 1024 && unit < units.length - 1; unit++) value /= 1024;
  return `${unit === 0 || value >= 100 ? Math.round(value) : Number(value.toPrecision(3))} ${units[unit]}`;
}

export function span(seconds: number): string {
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7200) return `${Math.floor(seconds / 60)} min`;
  return seconds < 172_800 ? `${Math.floor(seconds / 3600)} h` : `${Math.floor(seconds / 86_400)} d`;
}
