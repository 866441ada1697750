import { parse } from "yaml";
import type { ConfigKey, JsonSchema } from "./keys.ts";

type Node = Record<string, unknown> & { properties?: Record<string, Node> };

/** JSON Schema of aod.yaml, for editors: what `aod config check` says stays the last word. */
export function jsonSchemaOf(keys: readonly ConfigKey[]): JsonSchema {
  const root: Node = {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: "aod.yaml",
    description: "Configuration of AOD: Always On Diagnostics for Linux SMB and NFS clients",
    ...section(),
  };
  for (const { path, doc, initial, json } of keys) {
    const parts = path.split(".");
    const last = parts.pop() ?? path;
    let node = root;
    for (const part of parts) {
      node.properties ??= {};
      node = node.properties[part] ??= section();
    }
    node.properties ??= {};
    node.properties[last] = { description: doc.replaceAll("`", ""), ...json, default: parse(initial) };
  }
  return root;
}

/** A section without content means its defaults. */
function section(): Node {
  return { type: ["object", "null"], additionalProperties: false, properties: {} };
}
