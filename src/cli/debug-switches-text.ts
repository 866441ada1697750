import { basename } from "node:path";
import type { SwitchesNow } from "../switches/client-switches.ts";
import type { Protocol } from "../switches/numbers.ts";
import type { Remembered } from "../switches/switch-file.ts";
import { colours as pc } from "../system/colours.ts";
import { span } from "./status-text.ts";

const MODULES: Readonly<Record<Protocol, string>> = { smb: "cifs", nfs: "sunrpc" };

/** `aod debug status` for people. */
export function switchesText(now: SwitchesNow, nowNs: number, shown: readonly Protocol[]): string[] {
  return [...shown.flatMap((protocol) => protocolLines(protocol, now)), ...holderLines(now, nowNs)];
}

function protocolLines(protocol: Protocol, { numbers, dynamicDebug, switches }: SwitchesNow): string[] {
  const before = new Map(switches.map((one) => [one.path, beforeText(one)]));
  const rows = numbers
    .filter((one) => one.protocol === protocol)
    .map(({ path, value, on }) => ({ name: basename(path), value, on, before: before.get(path) }));
  if (protocol === "smb" && dynamicDebug !== undefined) {
    const { path, lines, on } = dynamicDebug;
    rows.push({ name: "dynamic debug", value: `${on} of ${lines} lines`, on: on > 0, before: before.get(path) });
  }
  if (rows.length === 0) return [`${protocol}   ${pc.dim(`the module ${MODULES[protocol]} is not loaded`)}`];
  const anyOn = rows.some(({ on }) => on);
  return rows.map(({ name, value, before }, at) => {
    const state = at > 0 ? "   " : anyOn ? pc.yellow("on ") : "off";
    const was = before === undefined ? "" : pc.dim(`, before: ${before}`);
    return `${at > 0 ? "   " : protocol}   ${state}  ${name.padEnd(13)}  ${value}${was}`;
  });
}

export function beforeText(one: Remembered): string {
  if (one.kind === "number") return one.before;
  return one.files.every(({ lines }) => lines === "all") ? "off" : "some lines of these files were on, and stay on";
}

function holderLines({ holders, switches, error }: SwitchesNow, nowNs: number): string[] {
  const lines = holders.map(({ name, pid, protocols, until_ns }) => {
    const left = Math.max(0, Math.round((until_ns - nowNs) / 1e9));
    return `${name} (process ${pid}) keeps ${protocols.join(" and ")} on for ${span(left)} more`;
  });
  if (holders.length === 0 && switches.length > 0)
    lines.push(pc.yellow("left by a process that was killed: aod debug off puts it back"));
  if (error !== undefined) lines.push(pc.red(`what was switched cannot be read: ${error}`));
  return lines.length === 0 ? [] : ["", ...lines];
}
