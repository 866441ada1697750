import { join } from "node:path";
import { AodError } from "../system/error.ts";

// <state>/bundles/ID.tar.zst        finished
// <state>/bundles/.ID.tar.zst.part  being packed
// <state>/bundles/.tmp-ID/          being filled: state.json, items/...

const SUFFIX = ".tar.zst";
// <state>/bundles/ID.pin            an empty file: retention leaves ID alone
const PIN_SUFFIX = ".pin";
const partPattern = /^\.(.+)\.tar\.zst\.part$/;
const stagePattern = /^\.tmp-(.+)$/;
const idPattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;
const namePattern = /^[A-Za-z0-9_][A-Za-z0-9._+@-]{0,127}(?:\/[A-Za-z0-9_][A-Za-z0-9._+@-]{0,127}){0,7}$/;

export const bundlesDir = (stateDir: string): string => join(stateDir, "bundles");
export const archivePath = (stateDir: string, id: string): string => join(bundlesDir(stateDir), `${id}${SUFFIX}`);
export const partPath = (stateDir: string, id: string): string => join(bundlesDir(stateDir), `.${id}${SUFFIX}.part`);
export const pinPath = (stateDir: string, id: string): string => join(bundlesDir(stateDir), `${id}${PIN_SUFFIX}`);
export const stageDir = (stateDir: string, id: string): string => join(bundlesDir(stateDir), `.tmp-${id}`);
export const itemsDir = (stage: string): string => join(stage, "items");

export type LayoutEntry =
  | { readonly kind: "archive"; readonly id: string }
  | { readonly kind: "part"; readonly id: string }
  | { readonly kind: "stage"; readonly id: string }
  | { readonly kind: "pin"; readonly id: string }
  | { readonly kind: "other" };

/** What an entry of the bundles directory is, by its name. */
export function classify(name: string): LayoutEntry {
  const part = partPattern.exec(name)?.[1];
  if (part !== undefined && isBundleId(part)) return { kind: "part", id: part };
  const stage = stagePattern.exec(name)?.[1];
  if (stage !== undefined && isBundleId(stage)) return { kind: "stage", id: stage };
  const pinned = name.endsWith(PIN_SUFFIX) ? name.slice(0, -PIN_SUFFIX.length) : "";
  if (isBundleId(pinned)) return { kind: "pin", id: pinned };
  const id = name.endsWith(SUFFIX) ? name.slice(0, -SUFFIX.length) : "";
  return isBundleId(id) ? { kind: "archive", id } : { kind: "other" };
}

/** Letters, digits, `.`, `_`, `-`; not hidden; at most 128. */
export function isBundleId(id: string): boolean {
  return idPattern.test(id);
}

/** A path of plain parts below the bundle: nothing hidden, nothing upwards, at most eight deep. */
export function isItemName(name: string): boolean {
  return namePattern.test(name) && name !== "manifest.json";
}

export function checkBundleId(id: string): void {
  if (!isBundleId(id)) throw new AodError("failed", `not a bundle's id: ${JSON.stringify(id)}`);
}
