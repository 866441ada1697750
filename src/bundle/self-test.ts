import { createHash } from "node:crypto";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../system/clock.ts";
import type { BundleMeta } from "./manifest.ts";
import { readManifest } from "./reader.ts";
import { scanArchive } from "./unpack.ts";
import { createBundle } from "./writer.ts";

/** A secret as evidence might hold it. `secret` must not be in the bundle in any 6-character piece. */
export interface Planted {
  readonly what: string;
  readonly text: string;
  readonly secret: string;
}

/** No word, so that a piece of it is in no other text; not in the program's own text either. */
const made = (name: string): string =>
  createHash("sha256")
    .update(name)
    .digest("base64")
    .replaceAll(/[^A-Za-z0-9]/g, "q")
    .slice(0, 18);

function plant(what: string, textOf: (secret: string) => string): Planted {
  const secret = made(what);
  return { what, secret, text: textOf(secret) };
}

/** One of every kind that invariant 7 names. */
export const planted: readonly Planted[] = [
  plant("mount option", (secret) => `//s/x /mnt cifs rw,username=joe,password=${secret},vers=3.1.1 0 0`),
  plant("short option", (secret) => `mount -o user=joe,pass=${secret},uid=0`),
  plant("second password", (secret) => `rw,password2=${secret},uid=0`),
  plant("credentials file", (secret) => `rw,credentials=/root/${secret},uid=0`),
  plant("user with password", (secret) => `smbclient -U joe%${secret} //s/x`),
  plant("long option", (secret) => `curl --password ${secret} https://s/`),
  plant("URL", (secret) => `https://joe:${secret}@host.example/x`),
  plant("SAS signature", (secret) => `https://a.file.core.windows.net/s?sv=2022&sig=${secret}&se=2026`),
  plant("account key", (secret) => `DefaultEndpointsProtocol=https;AccountKey=${secret};Suffix=x`),
  plant("authorization", (secret) => `Authorization: Negotiate ${secret}`),
  plant("bearer", (secret) => `sent bearer ${secret}`),
  plant("cookie", (secret) => `Cookie: session=${secret}`),
  plant("web token", (secret) => `token eyJ${secret}.${secret}.${secret}`),
  plant("session key", (secret) => `Session Key: ${secret}`),
  plant("environment", (secret) => `PASSWD=${secret} HOME=/root`),
  plant("YAML", (secret) => `password: ${secret}`),
  plant("private key", (secret) => `-----BEGIN PRIVATE KEY-----\n${secret}\n-----END PRIVATE KEY-----`),
];

export interface SelfTest {
  /** Which secrets came through, and where; none is right. */
  readonly leaks: readonly string[];
  readonly planted: number;
}

/** Plants secrets in every way that evidence comes into a bundle, packs it, and looks for them in what came out. */
export async function redactionSelfTest(secrets: readonly Planted[] = planted): Promise<SelfTest> {
  const state = await mkdtemp(join(tmpdir(), "aod-self-test-"));
  try {
    const path = await bundleWith(state, secrets);
    const leaks: string[] = [];
    const look = (where: string, content: string): void => {
      for (const { what, secret } of secrets) if (holdsPiece(content, secret)) leaks.push(`${what} in ${where}`);
    };
    await scanArchive(path, async ({ name, content }) => {
      const pieces: Buffer[] = [];
      for await (const piece of content) pieces.push(piece);
      look(name, Buffer.concat(pieces).toString("latin1"));
      return undefined;
    });
    look("manifest", JSON.stringify(await readManifest(path)));
    look("archive", (await readFile(path)).toString("latin1"));
    return { leaks, planted: secrets.length };
  } finally {
    await rm(state, { recursive: true, force: true });
  }
}

async function bundleWith(state: string, secrets: readonly Planted[]): Promise<string> {
  const time = "2026-11-22T13:05:11.000000Z";
  const anomaly = { detector: "self-test", time, summary: secrets[0]?.text ?? "" };
  const meta: BundleMeta = {
    id: "self-test",
    anomaly,
    anomalies: [anomaly],
    target: {},
    opened: time,
    losses: [],
    versions: { aod: "", node: "", kernel: "" },
    host: { name: "", kernel: "", arch: "" },
  };
  const writer = await createBundle(state, meta, { minFreeBytes: 0, clock: systemClock });
  const text = secrets.map((one) => `before\n${one.text}\nafter`).join("\n");
  await writer.addFile("whole.txt", text);
  await writer.addFile("bytes.txt", inPieces(text, 1));
  await writer.addFile("pieces.txt", inPieces(text, 7));
  await writer.addFile("cut.txt", text, { limitBytes: Math.floor(text.length / 2) });
  await writer.addFile("lines.ndjson", secrets.map((one) => `${JSON.stringify({ message: one.text })}\n`).join(""));
  await writer.addFile("object.json", JSON.stringify({ argv: secrets.map((one) => one.text) }, null, 2));
  for (const [index, one] of secrets.entries()) {
    await writer.addMissing(`missing-${index}`, one.text, "failed", one.text);
    writer.note(one.text);
  }
  return (await writer.finish(meta)).path;
}

async function* inPieces(text: string, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < text.length; at += size) yield Buffer.from(text.slice(at, at + size));
}

const PIECE = 6;

function holdsPiece(content: string, secret: string): boolean {
  for (let at = 0; at + PIECE <= secret.length; at++) if (content.includes(secret.slice(at, at + PIECE))) return true;
  return false;
}
