import { isMap, isNode, isPair, isScalar, type Node } from "yaml";
import type { z } from "zod";
import { nearest } from "../smb/nearest.ts";
import { AodError } from "../system/error.ts";
import { type ConfigLayer, dotted, type KeyPath, lineOf, nearestNode, originOf } from "./layers.ts";

/** One thing that is wrong in a configuration file; `line` counts from 1. */
export interface ConfigProblem {
  readonly file: string;
  readonly line: number;
  /** `detectors.latency.window`; empty for the file as a whole. */
  readonly key: string;
  readonly text: string;
}

/** Everything that is wrong, each as `file:line:key: ...`. */
export class ConfigError extends AodError {
  readonly problems: readonly ConfigProblem[];

  constructor(problems: readonly ConfigProblem[]) {
    const list = problems.map(({ file, line, key, text }) => `${file}:${line}:${key === "" ? "" : `${key}:`} ${text}`);
    super("usage", `the configuration is wrong:\n${list.join("\n")}`);
    this.problems = problems;
  }
}

/** What is no YAML at all. */
export function syntaxProblems(layer: ConfigLayer): ConfigProblem[] {
  return layer.document.errors.map((error) => ({
    file: layer.path,
    line: layer.lines.linePos(error.pos[0]).line,
    key: "",
    text: `not YAML: ${error.message}`,
  }));
}

/** Turns zod's issues into problems with the files and lines that they came from. */
export function problemsOf(
  issues: readonly z.core.$ZodIssue[],
  layers: readonly ConfigLayer[],
  known: readonly string[],
): ConfigProblem[] {
  const problems = issues.flatMap((issue): ConfigProblem[] => {
    const path = issue.path.map((part) => (typeof part === "symbol" ? String(part) : part));
    if (issue.code === "unrecognized_keys") return issue.keys.flatMap((key) => unknownKey(layers, path, key, known));
    const layer = originOf(layers, path);
    if (layer === undefined) return [];
    const cause = issue.code === "invalid_key" ? (issue.issues[0] ?? issue) : issue;
    const params: Record<string, unknown> = cause.code === "custom" ? (cause.params ?? {}) : {};
    const value = isMap(layer.document.contents) || path.length === 0 ? layer.document.getIn(path) : undefined;
    const got = params.got ?? (isNode(value) ? value.toJSON() : value);
    const last = path.at(-1);
    const wrongKey = params.got !== undefined && last !== undefined;
    const node = wrongKey ? keyNode(layer, path.slice(0, -1), String(last)) : nearestNode(layer, path);
    const hint = typeof params.suggestion === "string" ? suggestion(params.suggestion) : "";
    const text = `expected ${cause.message} (got ${show(got)})${hint}`;
    return [{ file: layer.path, line: lineOf(layer, node), key: dotted(path), text }];
  });
  const order = new Map(layers.map(({ path }, index) => [path, index]));
  return problems.sort((a, b) => (order.get(a.file) ?? 0) - (order.get(b.file) ?? 0) || a.line - b.line);
}

/** In every file that has it. */
function unknownKey(
  layers: readonly ConfigLayer[],
  parent: KeyPath,
  key: string,
  known: readonly string[],
): ConfigProblem[] {
  return layers.flatMap((layer): ConfigProblem[] => {
    const node = keyNode(layer, parent, key);
    if (node === undefined) return [];
    const text = `unknown key${suggestion(nearest(key, siblings(known, dotted(parent))))}`;
    return [{ file: layer.path, line: lineOf(layer, node), key: dotted([...parent, key]), text }];
  });
}

function suggestion(near: string | undefined): string {
  return near === undefined ? "" : `, did you mean "${near}"?`;
}

/** The keys that the schema has directly below a path. */
function siblings(known: readonly string[], parent: string): string[] {
  const prefix = parent === "" ? "" : `${parent}.`;
  const below = known
    .filter((key) => key.startsWith(prefix))
    .map((key) => key.slice(prefix.length).split(".")[0] ?? "");
  return [...new Set(below.length > 0 ? below : ["threshold", "single"])];
}

function keyNode({ document }: ConfigLayer, parent: KeyPath, key: string): Node | undefined {
  if (!isMap(document.contents)) return undefined;
  const map = parent.length === 0 ? document.contents : document.getIn(parent, true);
  if (!isMap(map)) return undefined;
  const pair = map.items.find((item) => isPair(item) && isScalar(item.key) && String(item.key.value) === key);
  return pair !== undefined && isScalar(pair.key) ? pair.key : undefined;
}

function show(value: unknown): string {
  if (value === undefined || value === null) return "nothing";
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}
