// What stands in the chunks that are JSON or text. Undefined: it makes no sense.
import { z } from "zod";
import type { Waiter } from "../probe/op.ts";

const waiters = z.array(
  z.object({
    kind: z.enum(["credits", "reconnect"]),
    tid: z.number(),
    pid: z.number().optional(),
    comm: z.string().optional(),
    connectionId: z.string().regex(/^\d+$/).optional(),
    sinceNs: z.number(),
  }),
);

const exit = z.object({
  code: z.number().nullable(),
  signal: z.string().nullable(),
  complaint: z.string(),
  error: z.string().optional(),
  missing: z.boolean().optional(),
});

const lost = z.object({ chunks: z.number(), bytes: z.number() });

/** How a helper ended by itself, and what it had said on stderr. `error`: why it could not be started. */
export type RecordedExit = z.infer<typeof exit>;

export function encodeWaiters(list: readonly Waiter[]): Buffer {
  const plain = list.map(({ connectionId, ...waiter }) =>
    connectionId === undefined ? waiter : { ...waiter, connectionId: String(connectionId) },
  );
  return Buffer.from(JSON.stringify(plain));
}

export function decodeWaiters(payload: Buffer): readonly Waiter[] | undefined {
  return parsed(waiters, payload)?.map(({ pid, comm, connectionId, ...waiter }) => ({
    ...waiter,
    ...(pid === undefined ? {} : { pid }),
    ...(comm === undefined ? {} : { comm }),
    ...(connectionId === undefined ? {} : { connectionId: BigInt(connectionId) }),
  }));
}

export function encodeExit(value: RecordedExit): Buffer {
  return Buffer.from(JSON.stringify(value));
}

export const decodeExit = (payload: Buffer): RecordedExit | undefined => parsed(exit, payload);
export const decodeLost = (payload: Buffer): z.infer<typeof lost> | undefined => parsed(lost, payload);

/** What was read: nothing, a text, or the same as the time before. */
export type FileRead = { readonly path: string } & (
  | { readonly kind: "none" | "same" }
  | { readonly kind: "text"; readonly text: string }
);

const TEXT = 0;
const SAME = 1;

/** `path`; behind it a byte 0 and the text, or a byte 1 for the same as before. */
export function encodeFile(read: FileRead): Buffer {
  const path = Buffer.from(read.path);
  if (read.kind === "none") return path;
  const [mark, text] = read.kind === "text" ? [TEXT, read.text] : [SAME, ""];
  return Buffer.concat([path, Buffer.of(mark), Buffer.from(text)]);
}

export function decodeFile(payload: Buffer): FileRead {
  const end = payload.findIndex((byte) => byte === TEXT || byte === SAME);
  if (end < 0) return { path: payload.toString("utf8"), kind: "none" };
  const path = payload.toString("utf8", 0, end);
  return payload[end] === SAME
    ? { path, kind: "same" }
    : { path, kind: "text", text: payload.toString("utf8", end + 1) };
}

function parsed<T>(schema: z.ZodType<T>, payload: Buffer): T | undefined {
  try {
    return schema.safeParse(JSON.parse(payload.toString("utf8"))).data;
  } catch {
    return undefined;
  }
}
