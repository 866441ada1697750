import { z } from "zod";
import { AodError } from "../system/error.ts";
import { isBundleId, isItemName } from "./layout.ts";
import { type Manifest, SCHEMA_VERSION } from "./manifest.ts";

// A bundle comes from another machine: its manifest is input, not our own writing. Members that are not known are left out.

const text = z.string().max(64 * 1024);
const count = z.number().int().nonnegative();
const status = z.enum(["ok", "truncated", "failed", "timed_out", "lost", "absent", "skipped"]);
const loss = z.object({ kind: text, detail: text.optional(), count });
const anomaly = z.object({
  detector: text,
  time: text,
  summary: text,
  rule: text.optional(),
  severity: text.optional(),
  first: text.optional(),
  count: count.optional(),
  evidence: z.record(text, z.union([z.number(), text])).optional(),
});

const item = z.object({
  name: text.refine(isItemName, "not a name for a file of a bundle"),
  source: text,
  status,
  reason: text.optional(),
  size: count.optional(),
  sha256: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .optional(),
  time: text.optional(),
  took_ms: z.number().optional(),
  redacted: count.optional(),
});

const manifest = z.object({
  schema_version: z.literal(SCHEMA_VERSION),
  state: z.enum(["complete", "recovered"]),
  id: text.refine(isBundleId, "not a bundle's id"),
  anomaly,
  anomalies: z.array(anomaly).max(100_000),
  target: z.record(text, text),
  opened: text,
  closed: text.optional(),
  ops_from: text.optional(),
  ops_to: text.optional(),
  ops_coverage: text.optional(),
  losses: z.array(loss).max(10_000),
  versions: z.object({ aod: text, node: text, kernel: text }),
  host: z.object({ name: text, kernel: text, arch: text, distribution: text.optional() }),
  notes: z.array(text).max(10_000),
  items: z.array(item).max(10_000),
});

/** Checks the text of a manifest.json. Throws AodError `failed`, or `unsupported` for a schema version of the future. */
export function parseManifest(json: string): Manifest {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (error) {
    throw new AodError("failed", "manifest.json is not JSON", { cause: error });
  }
  const version =
    typeof value === "object" && value !== null && "schema_version" in value ? value.schema_version : undefined;
  if (typeof version === "number" && version > SCHEMA_VERSION) {
    throw new AodError(
      "unsupported",
      `the bundle has schema version ${version}; this aod reads up to ${SCHEMA_VERSION}`,
    );
  }
  const parsed = manifest.safeParse(value);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new AodError("failed", `manifest.json: ${issue?.path.join(".") ?? ""}: ${issue?.message ?? "not valid"}`);
  }
  return dropUndefined(parsed.data);
}

/** zod's optional members may be present and undefined; ours are absent. JSON has only the latter. */
function dropUndefined(data: z.infer<typeof manifest>): Manifest {
  return JSON.parse(JSON.stringify(data));
}
