import * as z from "zod";
import { type Severity, severities } from "../detect/detector.ts";
import { commandOf, statusCode, type WrittenRule } from "../detect/error-defaults.ts";
import { findProcedure, procedureNames } from "../nfs/procedures.ts";
import { parseDuration } from "./units.ts";

// The kinds of values that only detectors and incidents have; the others are in config-keys.ts.

/** From 0 to 1. */
export const share = (initial: number, doc: string) => {
  const expected = "a share from 0 to 1 such as 0.05";
  return z
    .number({ error: expected })
    .min(0, { error: expected })
    .max(1, { error: expected })
    .prefault(initial)
    .meta({ doc, kind: "share from 0 to 1", initial: String(initial) });
};

/** At least `least`, with decimals. */
export const factor = (initial: number, least: number, doc: string) => {
  const expected = `a number from ${least} on`;
  return z
    .number({ error: expected })
    .min(least, { error: expected })
    .prefault(initial)
    .meta({ doc, kind: "number", initial: String(initial) });
};

const severityExpected = `one of ${severities.join(", ")}`;

export const severity = (initial: Severity, doc: string) =>
  z
    .enum(severities, { error: severityExpected })
    .prefault(initial)
    .meta({ doc, kind: severities.map((name) => `\`${name}\``).join(", "), initial });

const told = [...severities, "off"] as const;
const toldExpected = `one of ${told.join(", ")}`;

/** Names -> severities. `known` alone may be named. */
export const severityMap = (known: readonly string[], initial: Readonly<Record<string, string>>, doc: string) => {
  // YAML 1.1 readers turn a bare `off` into false.
  const one = z.preprocess((value) => (value === false ? "off" : value), z.enum(told, { error: toldExpected }));
  const key = z
    .string()
    .refine((name) => known.includes(name), { error: "the id of a message, or trouble, notice, recovered" });
  return z
    .preprocess((value) => value ?? {}, z.record(key, one, { error: wholeError("a mapping from ids to severities") }))
    .prefault({})
    .meta({
      doc: `${doc} The defaults stay for what is not named: ${Object.entries(initial)
        .map(([name, value]) => `${name} ${value}`)
        .join(", ")}.`,
      kind: "mapping from id to `info`, `warning`, `critical` or `off`",
      initial: "{}",
      json: { type: ["object", "null"], additionalProperties: { enum: [...told, false] } },
    });
};

/** Names of procedures of the NFS client. */
export const procedureList = (initial: readonly string[], doc: string) => {
  const one = z.string({ error: procedureExpected }).transform(toProcedure);
  return z
    .preprocess((value) => value ?? [], z.array(one, { error: "a list of NFS procedures" }))
    .prefault([...initial])
    .meta({
      doc,
      kind: "list of NFS procedures",
      initial: `[${initial.join(", ")}]`,
      json: { type: ["array", "null"], items: { type: "string" } },
    });
};

const procedureExpected = "an NFS procedure such as READ or OPEN";

function toProcedure(name: string, context: z.RefinementCtx): string {
  const found = findProcedure(name);
  if (found.ok) return found.name;
  context.addIssue({ code: "custom", message: procedureExpected, params: { suggestion: found.suggestion } });
  return z.NEVER;
}

const durationOrOff = z.unknown().transform((value, context): number => {
  const ns = value === "off" || value === false ? Number.POSITIVE_INFINITY : parseDuration(value);
  if (ns !== undefined) return ns;
  context.addIssue({ code: "custom", message: "a duration such as 500ms or 10s, or off" });
  return z.NEVER;
});

/** Per NFS procedure: a duration, or `{threshold, single}`. */
export const procedureThresholds = (initial: string, doc: string) => {
  const one = z.preprocess(
    (value) => (typeof value === "object" && value !== null ? value : { threshold: value }),
    z.strictObject({ threshold: durationOrOff.optional(), single: durationOrOff.optional() }),
  );
  const key = z.string().refine((name) => findProcedure(name).ok, { error: procedureExpected });
  return z
    .preprocess(
      (value) => value ?? {},
      z.record(key, one, { error: wholeError("a mapping from NFS procedures to durations") }),
    )
    .transform((record) => {
      const found = Object.entries(record).map(([name, thresholds]) => [findProcedure(name), thresholds] as const);
      return new Map(
        found.flatMap(([procedure, thresholds]) => (procedure.ok ? [[procedure.name, thresholds] as const] : [])),
      );
    })
    .prefault({ COMMIT: { threshold: "2s", single: "10s" } })
    .meta({
      doc,
      kind: "mapping from NFS procedure to duration, `off`, or `{threshold, single}`",
      initial,
      json: { type: ["object", "null"], propertyNames: { examples: procedureNames.slice(0, 8) } },
    });
};

const ruleExpected = "a mapping of protocol, commands, statuses, count and severity, or off";
const ruleKeys = {
  protocol: z.enum(["smb", "nfs", "smb-vfs"], { error: "smb, nfs or smb-vfs" }).optional(),
  commands: z.array(z.string(), { error: "a list of commands" }).optional(),
  statuses: z
    .array(z.union([z.string(), z.number()], { error: "the name of a status" }), { error: "a list of statuses" })
    .optional(),
  count: z
    .int({ error: countExpected() })
    .min(1, { error: countExpected() })
    .max(10_000_000, { error: countExpected() })
    .optional(),
  severity: z.enum(severities, { error: severityExpected }).optional(),
};

function countExpected(): string {
  return "a whole number from 1 to 10000000";
}

/** Rules of the errors detector by name: each changes the default of its name, adds one, or is `off`. */
export const errorRules = (defaults: Readonly<Record<string, WrittenRule>>, doc: string) => {
  const one = z.preprocess(
    (value) => (value === false ? "off" : value),
    z.union([z.literal("off"), z.strictObject(ruleKeys)], { error: ruleExpected }),
  );
  return z
    .preprocess(
      (value) => value ?? {},
      z.record(z.string(), one, { error: wholeError("a mapping from names to rules") }),
    )
    .transform((record, context): Readonly<Record<string, WrittenRule>> => {
      const rules: Record<string, WrittenRule> = { ...defaults };
      for (const [name, own] of Object.entries(record)) {
        delete rules[name];
        if (own === "off") continue;
        const base = defaults[name] ?? { protocol: "smb", commands: [], statuses: [], count: 10, severity: "warning" };
        const given = Object.fromEntries(Object.entries(own).filter(([, value]) => value !== undefined));
        const rule: WrittenRule = { ...base, ...given, statuses: (own.statuses ?? base.statuses).map(String) };
        rules[name] = rule;
        checkRule(name, rule, context);
      }
      return rules;
    })
    .prefault({})
    .meta({
      doc,
      kind: "mapping from name to `{protocol, commands, statuses, count, severity}` or `off`",
      initial: "{}",
      json: {
        type: ["object", "null"],
        additionalProperties: {
          anyOf: [
            { enum: ["off", false] },
            {
              type: "object",
              additionalProperties: false,
              properties: {
                protocol: { enum: ["smb", "nfs", "smb-vfs"] },
                commands: { type: "array", items: { type: "string" } },
                statuses: { type: "array", items: { type: ["string", "integer"] } },
                count: { type: "integer", minimum: 1 },
                severity: { enum: severities },
              },
            },
          ],
        },
      },
    });
};

const ruleWords = {
  smb: { command: "an SMB2 command", status: "an NT status such as STATUS_DISK_FULL" },
  nfs: { command: procedureExpected, status: "an NFS status such as NFS4ERR_STALE" },
  "smb-vfs": { command: "a VFS callback such as fsync or cifs_fsync", status: "an errno such as EIO" },
} as const;

function checkRule(name: string, { protocol, commands, statuses }: WrittenRule, context: z.RefinementCtx): void {
  const complain = (key: string, index: number, message: string) =>
    context.addIssue({ code: "custom", message, path: [name, key, index] });
  if (statuses.length === 0) context.addIssue({ code: "custom", message: "at least one of `statuses`", path: [name] });
  for (const [index, command] of commands.entries())
    if (commandOf(protocol, command) === undefined) complain("commands", index, ruleWords[protocol].command);
  for (const [index, status] of statuses.entries())
    if (statusCode(protocol, status) === undefined) complain("statuses", index, ruleWords[protocol].status);
}

/** A program and its arguments; empty: none. */
export const argv = (doc: string) => {
  const expected = "a list: an absolute path of a program, then its arguments";
  return z
    .preprocess((value) => value ?? [], z.array(z.string({ error: "a text" }), { error: expected }))
    .refine((list) => list.length === 0 || list[0]?.startsWith("/") === true, { error: expected })
    .prefault([])
    .meta({
      doc,
      kind: "list: absolute path of a program, then its arguments",
      initial: "[]",
      json: { type: ["array", "null"], items: { type: "string" } },
    });
};

/** Only for the wrong type of the whole: its parts have messages of their own. */
function wholeError(expected: string) {
  return (issue: { readonly code?: string }): string | undefined =>
    issue.code === "invalid_type" ? expected : undefined;
}
