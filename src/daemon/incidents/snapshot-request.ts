import { z } from "zod";
import { AodError } from "../../system/error.ts";
import type { SnapshotRequest } from "./snapshots.ts";

const schema = z.strictObject({ note: z.string().optional(), for_ms: z.number() });

/** The body of POST /snapshot. Throws AodError `usage`. */
export function parseSnapshot(body: unknown): SnapshotRequest {
  const { success, data } = schema.safeParse(body);
  if (!success) throw new AodError("usage", 'expected {"note": "...", "for_ms": 60000}');
  return { forNs: data.for_ms * 1e6, ...(data.note === undefined ? {} : { note: data.note }) };
}

export function snapshotBody({ note, forNs }: SnapshotRequest): z.infer<typeof schema> {
  return { for_ms: forNs / 1e6, ...(note === undefined ? {} : { note }) };
}
