// The walk of a mount of NFSv4 from the server's root to the export, and which security flavours it asks for on the way.
import { flavorName, RPCSEC_GSS } from "../nfs/rpc-words.ts";
import type { Xdr } from "../nfs/xdr.ts";
import { type Failed, op } from "./nfs.ts";
import type { CallLimits } from "./rpc.ts";
import type { Compounds } from "./session.ts";

export type Walked =
  | { readonly state: "found" }
  /** `at`: how far it came, with the name that failed; `/` is the server's root. */
  | { readonly state: "refused"; readonly at: string; readonly status: string; readonly flavors?: readonly string[] };

/** Names in one COMPOUND: servers allow 16 operations at least. */
const STRIDE = 8;
const READ_LOOKUP_EXECUTE = 0x23;

export async function walk(compounds: Compounds, path: string, limits: CallLimits): Promise<Walked | Failed> {
  const names = path.split("/").filter((name) => name !== "");
  let from: Buffer | undefined;
  for (let at = 0; at === 0 || at < names.length; at += STRIDE) {
    const stride = names.slice(at, at + STRIDE);
    const isLast = at + STRIDE >= names.length;
    const start = from === undefined ? op.putRoot : op.putHandle(from);
    const rest = isLast ? [op.access(READ_LOOKUP_EXECUTE)] : [op.getHandle];
    const reply = await compounds.run([start, ...stride.map(op.lookup), ...rest], limits);
    if (reply.state !== "done") return reply;
    if (reply.status !== "NFS4_OK") {
      const reached = at + Math.min(Math.max(reply.done - 1, 0), stride.length);
      const where = `/${names.slice(0, reached).join("/")}`;
      const wrong = reply.status === "NFS4ERR_WRONGSEC";
      const flavors = wrong ? await flavorsOf(compounds, names.slice(0, reached), limits) : undefined;
      return { state: "refused", at: where, status: reply.status, ...(flavors === undefined ? {} : { flavors }) };
    }
    if (!isLast) {
      // PUTROOTFH, PUTFH and LOOKUP say nothing but that they went well.
      reply.results.skip(2 * (1 + stride.length) + 2);
      const handle = reply.results.opaque(128);
      if (handle === undefined) return { state: "closed", why: "GETFH's answer is cut", tookMs: reply.tookMs };
      from = Buffer.from(handle);
    }
  }
  return { state: "found" };
}

/** What the server takes for a name, by SECINFO; for its root by SECINFO_NO_NAME, which 4.0 does not have. */
export async function flavorsOf(
  compounds: Compounds,
  names: readonly string[],
  limits: CallLimits,
): Promise<readonly string[] | undefined> {
  const name = names.at(-1);
  if (name === undefined && compounds.minor === 0) return undefined;
  const way = names.slice(0, -1).map(op.lookup);
  const question = name === undefined ? op.secinfoNoName : op.secinfo(name);
  const reply = await compounds.run([op.putRoot, ...way, question], limits);
  if (reply.state !== "done" || reply.status !== "NFS4_OK") return undefined;
  reply.results.skip(2 * (1 + way.length) + 2);
  return readFlavors(reply.results);
}

const services = ["none", "krb5", "krb5i", "krb5p"];

function readFlavors(xdr: Xdr): readonly string[] | undefined {
  const count = xdr.word();
  if (count === undefined || count > 64) return undefined;
  const flavors: string[] = [];
  for (let index = 0; index < count; index++) {
    const flavor = xdr.word();
    if (flavor === undefined) return undefined;
    if (flavor !== RPCSEC_GSS) {
      flavors.push(flavorName(flavor));
      continue;
    }
    xdr.opaque(256);
    xdr.word();
    flavors.push(services[xdr.word() ?? 0] ?? "krb5");
  }
  return flavors;
}
