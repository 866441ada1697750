import * as z from "zod";
import { findCommand } from "../smb/commands.ts";
import { parseDuration, parseSize } from "./units.ts";

// The kinds of values that aod.yaml has. The message of an issue is what was expected; config-errors.ts puts it into a sentence.

const commandExpected = "an SMB2 command such as SMB2_WRITE";
const commandKey = z.string().superRefine((name, context) => {
  const found = findCommand(name);
  if (found.ok) return;
  context.addIssue({ code: "custom", message: commandExpected, params: { suggestion: found.suggestion, got: name } });
});

/** A fragment of JSON Schema (2020-12). */
export type JsonSchema = Readonly<Record<string, unknown>>;

interface KeyMeta {
  readonly doc: string;
  readonly kind: string;
  /** As YAML. */
  readonly initial: string;
  /** What an editor can check; derived from the type where it is absent. */
  readonly json?: JsonSchema;
  /** A reload that changes it is refused. */
  readonly restart?: boolean;
}

const durationJson = { type: "string", pattern: "^\\d+(\\.\\d+)?(ms|s|m|h|d)$" };
const durationOrOffJson = { anyOf: [durationJson, { enum: ["off", false] }] };
const sizeJson = { type: "string", pattern: "^\\d+(\\.\\d+)?(KiB|MiB|GiB)$" };

const shapes = new WeakMap<object, Readonly<Record<string, z.ZodType>>>();

/** A mapping of keys; an empty one, or none, means the defaults of all of them. */
export function section<Shape extends Readonly<Record<string, z.ZodType>>>(shape: Shape) {
  const schema = z
    .preprocess((value) => value ?? {}, z.strictObject(shape, { error: typeError("a mapping of keys") }))
    .prefault(null);
  shapes.set(schema, shape);
  return schema;
}

/** A key of which a change takes effect at a restart only. */
export function fixed<Schema extends z.ZodType>(schema: Schema): Schema {
  return schema.meta({ ...schema.meta(), restart: true });
}

/** ns. */
export const duration = (initial: string, doc: string) =>
  unit(initial, doc, "a duration such as 500ms, 10s, 5m, 2h", "duration", durationJson, parseDuration);

/** ns, or POSITIVE_INFINITY for `off`. */
export const durationOrOff = (initial: string, doc: string) =>
  unit(
    initial,
    doc,
    "a duration such as 500ms or 10s, or off",
    "duration or `off`",
    durationOrOffJson,
    durationOrOffNs,
  );

/** Bytes. */
export const size = (initial: string, doc: string) =>
  unit(initial, doc, "a size such as 512KiB, 64MiB, 2GiB", "size", sizeJson, parseSize);

export const integer = (initial: number, least: number, most: number, doc: string) => {
  const expected = `a whole number from ${least} to ${most}`;
  return z
    .int({ error: expected })
    .min(least, { error: expected })
    .max(most, { error: expected })
    .prefault(initial)
    .meta(meta(doc, "whole number", initial, { type: "integer", minimum: least, maximum: most }));
};

/** A share, as a number in percent: 0.5 comes out as 0.005. */
export const percent = (initial: number, doc: string) => {
  const expected = "a number from 0 to 100, in percent";
  return z
    .number({ error: expected })
    .min(0, { error: expected })
    .max(100, { error: expected })
    .prefault(initial)
    .transform((value) => value / 100)
    .meta(meta(doc, "percent", initial, { type: "number", minimum: 0, maximum: 100 }));
};

/** One of a few words. */
export const choice = <const Word extends string>(initial: Word, words: readonly Word[], doc: string) => {
  const expected = `one of ${words.join(", ")}`;
  return (
    z
      // YAML 1.1 readers turn a bare `off` into false; people expect both to work.
      .preprocess((value) => (value === false ? "off" : value), z.enum(words, { error: expected }))
      .prefault(initial)
      .meta(meta(doc, words.map((word) => `\`${word}\``).join(", "), initial, { enum: [...words] }))
  );
};

export const flag = (initial: boolean, doc: string) =>
  z
    .boolean({ error: "true or false" })
    .prefault(initial)
    .meta(meta(doc, "`true` or `false`", initial, { type: "boolean" }));

export const directory = (initial: string, doc: string) =>
  z
    .string({ error: "an absolute path" })
    .startsWith("/", { error: "an absolute path" })
    .prefault(initial)
    .meta(meta(doc, "absolute path", initial, { type: "string", pattern: "^/" }));

export interface LoopbackPort {
  readonly host: string;
  readonly port: number;
}

/** A port of a loopback address, or `off`. */
export const loopbackPort = (initial: string, doc: string) =>
  unit<LoopbackPort | "off">(
    initial,
    doc,
    "127.0.0.1:PORT, [::1]:PORT or off",
    "`127.0.0.1:PORT`, `[::1]:PORT` or `off`",
    { anyOf: [{ type: "string", pattern: "^(127\\.0\\.0\\.1|\\[::1\\]):\\d+$" }, { enum: ["off", false] }] },
    parseLoopback,
  );

/** Codes of SMB2 commands. */
export const commandList = (initial: readonly string[], doc: string) =>
  z
    .preprocess((value) => value ?? [], z.array(z.unknown().transform(toCommand), { error: "a list of SMB2 commands" }))
    .prefault([...initial])
    .meta(
      meta(doc, "list of SMB2 commands", `[${initial.join(", ")}]`, {
        type: ["array", "null"],
        items: { type: "string" },
      }),
    );

/** Names out of a fixed set. */
export const nameList = (names: readonly string[], doc: string) => {
  const one = z
    .string({ error: `one of ${names.join(", ")}` })
    .refine((name) => names.includes(name), { error: `one of ${names.join(", ")}` });
  return z
    .preprocess((value) => value ?? [], z.array(one, { error: "a list of names" }))
    .prefault([])
    .meta(meta(doc, "list of names", "[]", { type: ["array", "null"], items: { enum: names } }));
};

/** Per SMB2 command: a duration, or `{threshold, single}`. Keys come out as codes. */
export const commandThresholds = (doc: string) => {
  const one = z.preprocess(
    (value) => (typeof value === "object" && value !== null ? value : { threshold: value }),
    z.strictObject({
      threshold: z.unknown().transform(convert(durationOrOffNs, "a duration such as 500ms or 10s, or off")).optional(),
      single: z.unknown().transform(convert(durationOrOffNs, "a duration such as 500ms or 10s, or off")).optional(),
    }),
  );
  return z
    .preprocess(
      (value) => value ?? {},
      z.record(commandKey, one, { error: typeError("a mapping from SMB2 commands to durations") }),
    )
    .transform((record) => {
      const found = Object.entries(record).map(([name, thresholds]) => [findCommand(name), thresholds] as const);
      return new Map(
        found.flatMap(([command, thresholds]) => (command.ok ? [[command.code, thresholds] as const] : [])),
      );
    })
    .prefault({})
    .meta(
      meta(doc, "mapping from SMB2 command to duration, `off`, or `{threshold, single}`", "{}", {
        type: ["object", "null"],
        additionalProperties: {
          anyOf: [
            ...durationOrOffJson.anyOf,
            {
              type: "object",
              properties: { threshold: durationOrOffJson, single: durationOrOffJson },
              additionalProperties: false,
            },
          ],
        },
      }),
    );
};

export interface ConfigKey {
  /** `detectors.latency.window` */
  readonly path: string;
  readonly doc: string;
  readonly kind: string;
  /** The default, as YAML. */
  readonly initial: string;
  readonly json: JsonSchema;
  /** A reload that changes it is refused. */
  readonly restart: boolean;
}

/** Every key below a section: its path, what it takes, its default and what it does. */
export function listKeys(schema: z.ZodType, prefix = ""): ConfigKey[] {
  const shape = shapes.get(schema);
  if (shape === undefined) {
    const known = schema.meta() as KeyMeta | undefined;
    if (known === undefined) throw new Error(`${prefix} has no description`);
    const { doc, kind, initial, json = derivedJson(schema), restart = false } = known;
    return [{ path: prefix, doc, kind, initial, json, restart }];
  }
  return Object.entries(shape).flatMap(([key, value]) => listKeys(value, prefix === "" ? key : `${prefix}.${key}`));
}

function derivedJson(schema: z.ZodType): JsonSchema {
  const {
    $schema,
    doc,
    kind,
    initial,
    restart,
    default: _,
    ...json
  } = z.toJSONSchema(schema, {
    io: "input",
    unrepresentable: "any",
  });
  return json;
}

/** Only for the wrong type of the whole: its parts have messages of their own. */
function typeError(expected: string) {
  return (issue: { readonly code?: string }): string | undefined =>
    issue.code === "invalid_type" ? expected : undefined;
}

function unit<Value>(
  initial: string,
  doc: string,
  expected: string,
  kind: string,
  json: JsonSchema,
  parse: (text: unknown) => Value | undefined,
) {
  return z
    .unknown()
    .transform(convert(parse, expected))
    .prefault(initial)
    .meta(meta(doc, kind, initial, json));
}

function convert<Value>(parse: (text: unknown) => Value | undefined, expected: string) {
  return (value: unknown, context: z.RefinementCtx): Value => {
    const parsed = parse(value);
    if (parsed !== undefined) return parsed;
    context.addIssue({ code: "custom", message: expected });
    return z.NEVER;
  };
}

function toCommand(value: unknown, context: z.RefinementCtx): number {
  const found = typeof value === "string" ? findCommand(value) : ({ ok: false } as const);
  if (found.ok) return found.code;
  context.addIssue({ code: "custom", message: commandExpected, params: { suggestion: found.suggestion } });
  return z.NEVER;
}

function parseLoopback(value: unknown): LoopbackPort | "off" | undefined {
  if (value === "off" || value === false) return "off";
  const [, v4, v6, digits] =
    (typeof value === "string" && /^(?:(127\.0\.0\.1)|\[(::1)\]):(\d{1,5})$/.exec(value)) || [];
  const host = v4 ?? v6;
  const port = Number(digits);
  return host === undefined || port < 1 || port > 65_535 ? undefined : { host, port };
}

function durationOrOffNs(value: unknown): number | undefined {
  // YAML 1.1 readers turn a bare `off` into false; people expect both to work.
  return value === "off" || value === false ? Number.POSITIVE_INFINITY : parseDuration(value);
}

function meta(doc: string, kind: string, initial: unknown, json?: JsonSchema): Record<string, unknown> & KeyMeta {
  return { doc, kind, initial: String(initial), ...(json === undefined ? {} : { json }) };
}
