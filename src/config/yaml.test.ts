import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import * as z from "zod";
import { parseConfig } from "./config.ts";
import { duration, flag, listKeys, section, size } from "./keys.ts";
import { configSchema } from "./schema.ts";
import { jsonSchemaOf } from "./schema-json.ts";
import { parseDuration, parseSize } from "./units.ts";
import { defaultYaml } from "./yaml.ts";

test("aod config default prints a file that means the defaults", () => {
  const text = defaultYaml(listKeys(configSchema));
  assert.deepEqual(parseConfig(text, "aod.yaml"), parseConfig("", "aod.yaml"));
  assert.match(text, /^detectors:$/m);
  assert.match(text, /^ {4}threshold: 500ms$/m);
});

test("sections are opened once, whatever their depth", () => {
  const keys = listKeys(
    section({ a: section({ b: section({ c: flag(true, "C.") }), d: flag(false, "D.") }), e: size("1KiB", "E.") }),
  );
  assert.equal(
    defaultYaml(keys),
    `a:
  b:
    # C.
    # (true or false)
    c: true
  # D.
  # (true or false)
  d: false
# E.
# (size)
e: 1KiB
`,
  );
});

test("the JSON Schema has every key, knows no other, and its defaults are those of the schema", () => {
  const json = jsonSchemaOf(
    listKeys(
      section({
        wait: duration("2s", "How `long`."),
        inner: section({
          on: flag(true, "On."),
          mode: z.enum(["a", "b"]).prefault("a").meta({ doc: "Which.", kind: "`a` or `b`", initial: "a" }),
        }),
      }),
    ),
  );
  assert.deepEqual(json.properties, {
    wait: {
      description: "How long.",
      type: "string",
      pattern: "^\\d+(\\.\\d+)?(ms|s|m|h|d)$",
      default: "2s",
    },
    inner: {
      type: ["object", "null"],
      additionalProperties: false,
      properties: {
        on: { description: "On.", type: "boolean", default: true },
        mode: { description: "Which.", type: "string", enum: ["a", "b"], default: "a" },
      },
    },
  });
  assert.equal(json.additionalProperties, false);
});

test("the patterns of the JSON Schema take what the parsers take", () => {
  const patternOf = (make: typeof duration): RegExp => {
    const [key] = listKeys(section({ x: make("1s", "X.") }));
    return new RegExp(String(key?.json.pattern));
  };
  const text = fc.stringMatching(/^[0-9.]{0,4}(ms|s|m|h|d|KiB|MiB|GiB|x)?$/);
  for (const [pattern, parse] of [
    [patternOf(duration), parseDuration],
    [patternOf(size), parseSize],
  ] as const) {
    fc.assert(fc.property(text, (value) => assert.equal(pattern.test(value), parse(value) !== undefined)));
  }
});
