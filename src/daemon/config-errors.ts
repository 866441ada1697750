import { type Document, isMap, isPair, isScalar, type LineCounter, type Node } from "yaml";
import type { z } from "zod";
import { nearest } from "../smb/nearest.ts";

/** One thing that is wrong in a configuration file; `line` counts from 1. */
export interface ConfigProblem {
  readonly line: number;
  /** `detectors.latency.window`; empty for the file as a whole. */
  readonly key: string;
  readonly text: string;
}

/** Turns zod's issues into problems with the lines of the document that they came from. */
export function problemsOf(
  issues: readonly z.core.$ZodIssue[],
  document: Document,
  lines: LineCounter,
  known: readonly string[],
): ConfigProblem[] {
  const lineAt = (node: Node | undefined): number => (node?.range ? lines.linePos(node.range[0]).line : 1);
  return issues.flatMap((issue): ConfigProblem[] => {
    const path = issue.path.map((part) => (typeof part === "symbol" ? String(part) : part));
    if (issue.code === "unrecognized_keys") {
      return issue.keys.map((key) => ({
        line: lineAt(keyNode(document, path, key)),
        key: dotted([...path, key]),
        text: `unknown key${suggestion(nearest(key, siblings(known, dotted(path))))}`,
      }));
    }
    const cause = issue.code === "invalid_key" ? (issue.issues[0] ?? issue) : issue;
    const params: Record<string, unknown> = cause.code === "custom" ? (cause.params ?? {}) : {};
    const value = document.getIn(path);
    const got = params.got ?? (isNode(value) ? value.toJSON() : value);
    const last = path.at(-1);
    const wrongKey = params.got !== undefined && last !== undefined;
    const node = wrongKey ? keyNode(document, path.slice(0, -1), String(last)) : nearestNode(document, path);
    const hint = typeof params.suggestion === "string" ? suggestion(params.suggestion) : "";
    return [{ line: lineAt(node), key: dotted(path), text: `expected ${cause.message} (got ${show(got)})${hint}` }];
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

function keyNode(document: Document, parent: readonly (string | number)[], key: string): Node | undefined {
  const map = parent.length === 0 ? document.contents : document.getIn(parent, true);
  if (!isMap(map)) return undefined;
  const pair = map.items.find((item) => isPair(item) && isScalar(item.key) && String(item.key.value) === key);
  return pair !== undefined && isScalar(pair.key) ? pair.key : undefined;
}

/** The node itself, or the closest one above it that is there. */
function nearestNode(document: Document, path: readonly (string | number)[]): Node | undefined {
  for (let length = path.length; length > 0; length--) {
    const node = document.getIn(path.slice(0, length), true);
    if (isNode(node)) return node;
  }
  return isNode(document.contents) ? document.contents : undefined;
}

function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && "range" in value;
}

function dotted(path: readonly (string | number)[]): string {
  return path.reduce<string>(
    (text, part) => (typeof part === "number" ? `${text}[${part}]` : text === "" ? part : `${text}.${part}`),
    "",
  );
}

function show(value: unknown): string {
  if (value === undefined || value === null) return "nothing";
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}
