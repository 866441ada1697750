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

/** `path`, and its text behind a NUL when there was one. */
export function encodeFile(path: string, text: string | undefined): Buffer {
  return Buffer.from(text === undefined ? path : `${path}\0${text}`);
}

export function decodeFile(payload: Buffer): { readonly path: string; readonly text: string | undefined } {
  const end = payload.indexOf(0);
  if (end < 0) return { path: payload.toString("utf8"), text: undefined };
  return { path: payload.toString("utf8", 0, end), text: payload.toString("utf8", end + 1) };
}

function parsed<T>(schema: z.ZodType<T>, payload: Buffer): T | undefined {
  try {
    return schema.safeParse(JSON.parse(payload.toString("utf8"))).data;
  } catch {
    return undefined;
  }
}
