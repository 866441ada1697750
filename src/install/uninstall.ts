import { existsSync, lstatSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { classify } from "../bundle/layout.ts";
import { groupName, type Layout, localPrefix, seenInside, unitName } from "./layout.ts";
import { ownedLink } from "./links.ts";
import type { System } from "./system.ts";
import { readReceipt } from "./tree.ts";

export interface UninstallOptions {
  readonly layout: Layout;
  readonly system: System;
  /** Where bundles are, as the installed system sees it. */
  readonly stateDir: string;
  /** Bundles and the configuration too. */
  readonly purge: boolean;
  readonly say: (line: string) => void;
  /** Undoes what a daemon that was killed left in the kernel; says what, and what it could not. */
  readonly putBack: () => { readonly done: readonly string[]; readonly failed: readonly string[] };
}

/** Takes away what install() and the daemon made, but not the bundles, nor a configuration that somebody wrote. Says what it did. */
export async function uninstall(options: UninstallOptions): Promise<void> {
  const { layout, system, say } = options;
  await stopService(options);
  const { done, failed } = options.putBack();
  for (const what of done) say(`put back  ${what}`);
  for (const why of failed) say(`left      ${why}`);
  const receipt = readReceipt(layout.prefix);
  removePath(layout, layout.unit, say);
  if (system.withoutManager === undefined) await system.systemctl("daemon-reload");
  if (existsSync(layout.bin)) {
    for (const name of readdirSync(layout.bin)) {
      const path = join(layout.bin, name);
      if (ownedLink(path, join(localPrefix, "bin", name))) removePath(layout, path, say);
    }
  }
  removeConfig(options);
  removeState(options);
  removePath(layout, layout.run, say);
  for (const path of [layout.prefix, `${layout.prefix}.new`, `${layout.prefix}.old`]) removePath(layout, path, say);
  if (receipt?.madeGroup === true && system.hasGroup()) {
    await system.removeGroup();
    say(`removed   group ${groupName}`);
  }
}

async function stopService({ layout, system, say }: UninstallOptions): Promise<void> {
  if (system.withoutManager !== undefined || !existsSync(layout.unit)) return;
  await system.systemctl("disable", "--quiet", "--now", unitName);
  await system.systemctl("reset-failed", unitName).catch(() => undefined);
  say(`stopped   ${unitName}`);
}

/** What is empty goes; what somebody wrote stays. */
function removeConfig({ layout, purge, say }: UninstallOptions): void {
  for (const path of [`${layout.unit}.d`, join(layout.config, "conf.d"), layout.config]) {
    if (!existsSync(path)) continue;
    const left = readdirSync(path);
    if (purge || left.length === 0) removePath(layout, path, say);
    else say(`kept      ${seenInside(layout, path)}: ${left.join(", ")} (--purge removes it)`);
  }
}

/** Everything but finished bundles and what belongs to them. A directory that somebody else chose may hold other things: those stay. */
function removeState({ layout, stateDir, purge, say }: UninstallOptions): void {
  const state = join(layout.root, stateDir);
  if (!existsSync(state)) return;
  const ours = state === layout.state;
  const bundles = join(state, "bundles");
  const names = existsSync(bundles) ? readdirSync(bundles) : [];
  const kept = purge ? [] : names.filter((name) => classify(name).kind === "archive");
  if (ours && kept.length === 0) {
    removePath(layout, state, say);
    return;
  }
  for (const name of readdirSync(state)) {
    if (name !== "bundles" && (ours || isStateFile(name))) rmSync(join(state, name), { recursive: true });
  }
  for (const name of names) {
    const { kind } = classify(name);
    if (kind === "part" || kind === "stage" || (purge && kind !== "other"))
      rmSync(join(bundles, name), { recursive: true });
  }
  if (kept.length > 0) say(`kept      ${kept.length} bundles in ${join(stateDir, "bundles")} (--purge removes them)`);
  else for (const path of [bundles, state]) removeIfEmpty(layout, path, say);
}

function isStateFile(name: string): boolean {
  return /^(?:incidents\.ndjson|aod\.lock|pseudonyms\.json)(?:\..*)?$/.test(name);
}

function removeIfEmpty(layout: Layout, path: string, say: (line: string) => void): void {
  if (existsSync(path) && readdirSync(path).length === 0) removePath(layout, path, say);
}

/** A file, a link wherever it leads, a tree. */
function removePath(layout: Layout, path: string, say: (line: string) => void): void {
  if (lstatSync(path, { throwIfNoEntry: false }) === undefined) return;
  rmSync(path, { recursive: true });
  say(`removed   ${seenInside(layout, path)}`);
}
