// COMPOUND of NFSv4: RFC 7530 section 16, RFC 8881 section 18.
import { callbackName, operationName } from "../../nfs/operations.ts";
import type { Xdr } from "../../nfs/xdr.ts";

export interface Compound {
  readonly minor: number;
  /** What it is for: the first operation that is not there to lead to it. */
  readonly purpose: string;
  /** As far as their arguments can be stepped over. */
  readonly operations: readonly string[];
  /** What the client says of itself in EXCHANGE_ID: owner, and kernel. */
  readonly owner?: string;
  readonly implementation?: string;
}

const MAX_OPERATIONS = 64;
const MAX_TEXT = 1024;
const MAX_HANDLE = 128;

/** Operations that lead to another: how to step over their arguments. */
const leading: Readonly<Record<number, (xdr: Xdr) => boolean>> = {
  9: (xdr) => xdr.skip(Math.min(xdr.word() ?? 0, 8)), // GETATTR: a bitmap
  10: () => true, // GETFH
  22: (xdr) => xdr.opaque(MAX_HANDLE) !== undefined, // PUTFH
  23: () => true, // PUTPUBFH
  24: () => true, // PUTROOTFH
  31: () => true, // RESTOREFH
  32: () => true, // SAVEFH
  53: (xdr) => xdr.skip(8), // SEQUENCE: session, sequence, slot, highest slot, cache this
};
const CB_SEQUENCE = 11;

/** Behind the credentials. */
export function readCompound(xdr: Xdr, isCallback: boolean): Compound | undefined {
  if (xdr.opaque(MAX_TEXT) === undefined) return undefined;
  const minor = xdr.word();
  if (isCallback) xdr.word();
  const count = xdr.word();
  if (minor === undefined || count === undefined) return undefined;
  const operations: string[] = [];
  let own: { readonly owner?: string; readonly implementation?: string } = {};
  let purpose: string | undefined;
  for (let index = 0; index < Math.min(count, MAX_OPERATIONS); index++) {
    const operation = xdr.word();
    if (operation === undefined) break;
    const name = (isCallback ? callbackName(operation) : operationName(operation)) ?? `operation ${operation}`;
    operations.push(name);
    if (isCallback) {
      if (operation === CB_SEQUENCE && xdr.skip(8) && xdr.word() === 0) continue;
      purpose = name;
      break;
    }
    const step = leading[operation];
    if (step?.(xdr) === true) continue;
    if (step === undefined) purpose = name;
    if (operation === 42) own = readExchangeId(xdr);
    break;
  }
  return { minor, purpose: purpose ?? fallback(operations), operations, ...own };
}

/** Only leading operations: what they lead to are attributes, a handle, or a sign of life. */
function fallback(operations: readonly string[]): string {
  return (
    ["GETATTR", "GETFH", "PUTROOTFH", "PUTFH"].find((name) => operations.includes(name)) ??
    operations.at(-1) ??
    "COMPOUND"
  );
}

function readExchangeId(xdr: Xdr): { owner?: string; implementation?: string } {
  xdr.skip(2);
  const owner = xdr.text(MAX_TEXT);
  xdr.word();
  const implementation = xdr.word() === 0 ? implementationName(xdr) : undefined;
  return { ...(owner === undefined ? {} : { owner }), ...(implementation === undefined ? {} : { implementation }) };
}

/** Of the reply, behind the number of results. */
export function readImplementation(xdr: Xdr): string | undefined {
  // Operation, status, client id, sequence, flags; then how state is protected.
  if (!xdr.skip(6) || xdr.word() !== 0) return undefined;
  xdr.skip(2);
  xdr.opaque(MAX_TEXT);
  xdr.opaque(MAX_TEXT);
  return implementationName(xdr);
}

function implementationName(xdr: Xdr): string | undefined {
  if (xdr.word() !== 1) return undefined;
  xdr.opaque(MAX_TEXT);
  return xdr.text(MAX_TEXT);
}
