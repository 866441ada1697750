import { z } from "zod";
import { AodError } from "../../system/error.ts";

const schema = z.strictObject({ attach: z.boolean() });

/** The body of POST /probes. Throws AodError `usage`. */
export function parseAttach(body: unknown): boolean {
  const { success, data } = schema.safeParse(body);
  if (!success) throw new AodError("usage", 'expected {"attach": true} or {"attach": false}');
  return data.attach;
}
