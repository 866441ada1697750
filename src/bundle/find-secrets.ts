import { isText } from "./export.ts";
import { redact } from "./redact.ts";
import { scanArchive } from "./unpack.ts";

/** Names of the files of a bundle out of which the redaction would take something: of a bundle of ours there are none. */
export async function findSecrets(path: string): Promise<string[]> {
  const found: string[] = [];
  await scanArchive(path, async ({ name, content }) => {
    const pieces: Buffer[] = [];
    for await (const piece of content) pieces.push(piece);
    const bytes = Buffer.concat(pieces);
    if (isText(bytes) && redact(bytes.toString("utf8"), /json$/.test(name) ? "json" : "text").removed > 0)
      found.push(name);
    return undefined;
  });
  return found;
}
