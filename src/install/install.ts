import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { groupName, type Layout, localPrefix, packagedPrefix, seenInside, unitName } from "./layout.ts";
import { ownedLink } from "./links.ts";
import type { System } from "./system.ts";
import {
  describeTree,
  isLink,
  isWhole,
  placeTree,
  programFiles,
  programNames,
  type Receipt,
  readReceipt,
  writeReceipt,
} from "./tree.ts";

export interface InstallOptions {
  readonly layout: Layout;
  readonly system: System;
  /** A built checkout, or another installed tree. */
  readonly source: string;
  readonly version: string;
  /** Where bundles go, when that is not /var/lib/aod: the sandbox must let the daemon write there. */
  readonly stateDir: string | undefined;
  readonly start: boolean;
  readonly say: (line: string) => void;
}

/** Puts AOD in its place, or brings what is there up to date; what is right already is left alone. Says what it did. */
export async function install(options: InstallOptions): Promise<void> {
  const { layout, system, say } = options;
  const madeGroup = await ensureGroup(options);
  const files = await describeTree(options.source, programFiles(options.source));
  const before = readReceipt(layout.prefix);
  const receipt: Receipt = { version: options.version, files, madeGroup: madeGroup || before?.madeGroup === true };
  const changed = await placePrograms(options, before, receipt);
  placeLinks(layout, receipt, say);
  for (const folder of [layout.config, join(layout.config, "conf.d")]) {
    if (existsSync(folder)) continue;
    mkdirSync(folder, { recursive: true, mode: 0o755 });
    say(`made      ${seenInside(layout, folder)}`);
  }
  const unitChanged = placeUnit(options);
  await startService(options, changed || unitChanged);
  say(
    system.withoutManager === undefined && options.start
      ? "AOD runs: aod status shows what it sees"
      : `not started: ${system.withoutManager ?? "--no-start was given"}`,
  );
}

async function ensureGroup({ system, say }: InstallOptions): Promise<boolean> {
  if (system.hasGroup()) {
    say(`unchanged group ${groupName}: its members may ask the daemon`);
    return false;
  }
  const why = await system.makeGroup();
  say(
    why === undefined
      ? `made      group ${groupName}: its members may ask the daemon`
      : `missing   group ${groupName}: ${why}`,
  );
  return why === undefined;
}

async function placePrograms(
  { layout, source, say }: InstallOptions,
  before: Receipt | undefined,
  receipt: Receipt,
): Promise<boolean> {
  const { prefix } = layout;
  const place = seenInside(layout, prefix);
  const same = before !== undefined && JSON.stringify(before.files) === JSON.stringify(receipt.files);
  if (same && (await isWhole(prefix, before))) {
    if (before.madeGroup !== receipt.madeGroup || before.version !== receipt.version) writeReceipt(prefix, receipt);
    say(`unchanged ${place} (${receipt.version})`);
    return false;
  }
  placeTree(source, prefix, receipt);
  say(
    before === undefined
      ? `made      ${place} (${receipt.version})`
      : `replaced  ${place} (${before.version} by ${receipt.version})`,
  );
  return true;
}

function placeLinks(layout: Layout, receipt: Receipt, say: (line: string) => void): void {
  mkdirSync(layout.bin, { recursive: true, mode: 0o755 });
  for (const name of programNames(receipt)) {
    const path = join(layout.bin, name);
    const target = join(localPrefix, "bin", name);
    const shown = seenInside(layout, path);
    if (ownedLink(path, target)) continue;
    if (existsSync(path) || isLink(path)) {
      say(`left      ${shown}: it is there already and not ours; ours is ${target}`);
      continue;
    }
    symlinkSync(target, path);
    say(`linked    ${shown}`);
  }
}

function placeUnit({ layout, source, stateDir, say }: InstallOptions): boolean {
  const packaged = readFileSync(join(source, "packaging", unitName), "utf8");
  const text = unitText(packaged, stateDir);
  const shown = seenInside(layout, layout.unit);
  const before = existsSync(layout.unit) ? readFileSync(layout.unit, "utf8") : undefined;
  if (before === text) {
    say(`unchanged ${shown}`);
    return false;
  }
  mkdirSync(dirname(layout.unit), { recursive: true, mode: 0o755 });
  const fresh = `${layout.unit}.new`;
  rmSync(fresh, { force: true });
  writeFileSync(fresh, text, { mode: 0o644 });
  renameSync(fresh, layout.unit);
  say(`${before === undefined ? "made     " : "replaced "} ${shown}`);
  return true;
}

/** The unit of the tree for this place. */
export function unitText(packaged: string, stateDir: string | undefined): string {
  const text = packaged.replaceAll(packagedPrefix, localPrefix);
  if (stateDir === undefined) return text;
  const line = `# state_dir of the configuration\nReadWritePaths=${stateDir}\n`;
  return text.replace(/^ProtectSystem=.*\n/m, (found) => found + line);
}

async function startService({ system, start, say }: InstallOptions, changed: boolean): Promise<void> {
  if (system.withoutManager !== undefined) return;
  await system.systemctl("daemon-reload");
  await system.systemctl("enable", "--quiet", unitName);
  if (!start) return;
  const active = await system.isActive();
  if (active && !changed) return say(`unchanged ${unitName} runs on`);
  // A unit that gave up is tried again.
  await system.systemctl("reset-failed", unitName).catch(() => undefined);
  await system.systemctl("restart", unitName);
  say(`${active ? "restarted" : "started  "} ${unitName}`);
}
