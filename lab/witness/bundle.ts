// What a bundle shows, on the host.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import type { Manifest } from "../../src/bundle/manifest.ts";
import { readItem, readManifest } from "../../src/bundle/reader.ts";
import { readFormat, readPackets } from "../../src/packets/pcap.ts";
import { AodError } from "../../src/system/error.ts";
import type { Results } from "../results.ts";

/** Every capture came to its end: what is not there has a reason that is not the capture's own. */
export function allEnded({ items }: Manifest, name: string): void {
  const bad = items.filter(({ status }) => status === "failed" || status === "timed_out" || status === "skipped");
  assert.deepEqual(
    bad.map(({ name: item, status, reason }) => `${item}: ${status}: ${reason}`),
    [],
    name,
  );
}

/** No eight bytes of these contents, from wherever they begin, are anywhere in the bundle. */
export async function holdsNoneOf(contents: readonly Buffer[], path: string, { items }: Manifest): Promise<void> {
  const pieces = new Set<bigint>();
  for (const content of contents)
    for (let at = 0; at + 8 <= content.length; at++) pieces.add(content.readBigUInt64LE(at));
  for (const { name, size } of items) {
    if (size === undefined) continue;
    const item = await readItem(path, name);
    for (let at = 0; at + 8 <= item.length; at++)
      assert.ok(!pieces.has(item.readBigUInt64LE(at)), `${basename(path)}: ${name} has a piece of a file at ${at}`);
  }
}

/** A moment of the guest's wall clock (RFC 3339) on its CLOCK_MONOTONIC, in s: by the step that began last before it. */
export function monotonicOf(results: Results, time: string): number {
  const wallMs = Date.parse(time);
  const [before] = results
    .events()
    .filter((event) => Date.parse(event.time) <= wallMs)
    .sort((a, b) => b.startMs - a.startMs);
  if (before === undefined) throw new AodError("failed", `${time} is before every step`);
  return (before.startMs + wallMs - Date.parse(before.time)) / 1000;
}

/** Times (s since the epoch) of the packets of a capture file in a bundle. */
export async function packetTimes(path: string, name: string): Promise<number[]> {
  const file = await readItem(path, name);
  const format = readFormat(file);
  assert.ok(format, `${name} is a capture file`);
  return [...readPackets(file, format)].map(({ seconds, fraction }) => seconds + fraction / format.perSecond);
}

export interface ReportedEvent {
  /** CLOCK_MONOTONIC, s. */
  readonly time: number;
  readonly name: string;
}

/** What `trace-cmd report` reads in an item; undefined where trace-cmd is not installed. */
export async function reportedEvents(path: string, name: string): Promise<ReportedEvent[] | undefined> {
  const directory = mkdtempSync(join(tmpdir(), "aod-report-"));
  try {
    const file = join(directory, basename(name));
    writeFileSync(file, await readItem(path, name));
    const { error, status, stdout, stderr } = spawnSync("trace-cmd", ["report", "-i", file], { encoding: "utf8" });
    if (error !== undefined) return undefined;
    assert.equal(status, 0, stderr);
    return stdout.split("\n").flatMap((line) => {
      const [, time, event] = /^\s*\S.*-\d+\s+\[\d+\].*?\s(\d+\.\d+):\s+([\w:]+):/.exec(line) ?? [];
      return time === undefined || event === undefined ? [] : [{ time: Number(time), name: event }];
    });
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** The manifest of a bundle among the results. */
export async function manifestIn(results: Results, name: string): Promise<Manifest> {
  return readManifest(results.path(name));
}
