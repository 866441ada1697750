import { readdirSync, readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { type Document, isMap, isNode, LineCounter, type Node, parseDocument } from "yaml";
import { AodError } from "../system/error.ts";

export interface ConfigFile {
  readonly path: string;
  readonly text: string;
}

/** One file as YAML. Of two that say something about the same key the later one counts. */
export interface ConfigLayer {
  readonly path: string;
  readonly document: Document;
  readonly lines: LineCounter;
}

export type KeyPath = readonly (string | number)[];

/** The file itself, and beside it `conf.d/*.yaml` in the order of their names. `mustExist`: the file, not the directory. */
export function readConfigFiles(path: string, mustExist: boolean): ConfigFile[] {
  const main = readIfThere(path, !mustExist);
  const folder = join(dirname(path), "conf.d");
  const files: ConfigFile[] = main === undefined ? [] : [{ path, text: main }];
  for (const name of namesIn(folder)) {
    const file = join(folder, name);
    // Gone since it was listed: as if it had not been.
    const text = readIfThere(file, true);
    if (text !== undefined) files.push({ path: file, text });
  }
  return files;
}

export function layerOf({ path, text }: ConfigFile): ConfigLayer {
  const lines = new LineCounter();
  return { path, lines, document: parseDocument(text, { lineCounter: lines, prettyErrors: false }) };
}

/** What all layers say together: mappings are merged key by key, anything else is replaced; a key without a value says nothing. */
export function mergeLayers(layers: readonly ConfigLayer[]): unknown {
  return layers.reduce<unknown>((merged, layer) => mergeValues(merged, layer.document.toJS()), undefined);
}

/** The layer that a key's value comes from: the last one that names it, or names what is closest above it. */
export function originOf(layers: readonly ConfigLayer[], path: KeyPath): ConfigLayer | undefined {
  for (let length = path.length; length > 0; length--) {
    const known = layers.findLast(({ document }) => hasIn(document, path.slice(0, length)));
    if (known !== undefined) return known;
  }
  return layers.findLast(({ document }) => document.contents !== null) ?? layers.at(-1);
}

export function lineOf({ lines }: ConfigLayer, node: Node | undefined): number {
  return node?.range ? lines.linePos(node.range[0]).line : 1;
}

/** The node at a path, or the closest one above it that is there. */
export function nearestNode({ document }: ConfigLayer, path: KeyPath): Node | undefined {
  for (let length = path.length; length > 0; length--) {
    const node = document.getIn(path.slice(0, length), true);
    if (isNode(node)) return node;
  }
  return isNode(document.contents) ? document.contents : undefined;
}

/** `a.b[0].c` */
export function dotted(path: KeyPath): string {
  return path.reduce<string>(
    (text, part) => (typeof part === "number" ? `${text}[${part}]` : text === "" ? part : `${text}.${part}`),
    "",
  );
}

function hasIn(document: Document, path: KeyPath): boolean {
  return (isMap(document.contents) || path.length === 0) && document.hasIn(path);
}

function mergeValues(below: unknown, above: unknown): unknown {
  if (above === undefined || above === null) return below ?? above;
  if (!isMapping(below) || !isMapping(above)) return above;
  const merged = new Map(Object.entries(below));
  for (const [key, value] of Object.entries(above)) {
    const before = merged.get(key);
    // To the end: of two names of one SMB2 command the one that was said last counts.
    merged.delete(key);
    merged.set(key, mergeValues(before, value));
  }
  return Object.fromEntries(merged);
}

function isMapping(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder)
      .filter((name) => name.endsWith(".yaml") && !basename(name).startsWith("."))
      .sort();
  } catch (error) {
    if (codeOf(error) === "ENOENT" || codeOf(error) === "ENOTDIR") return [];
    throw unreadable(folder, error);
  }
}

function readIfThere(path: string, mayMiss: boolean): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (mayMiss && codeOf(error) === "ENOENT") return undefined;
    throw unreadable(path, error);
  }
}

function unreadable(path: string, error: unknown): AodError {
  return new AodError("usage", `cannot read the configuration ${path}: ${codeOf(error)}`, { cause: error });
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "";
}
