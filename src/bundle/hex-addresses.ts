import { isIP } from "node:net";
import { addressesIn } from "./pseudonymise.ts";
import type { Pseudonyms } from "./pseudonyms.ts";

// /proc/fs/nfsfs/servers and /proc/net/tcp write addresses in hexadecimal digits, without anything that tells them from other numbers: only
// those of addresses that stand somewhere in the usual way are known.

/** Hexadecimal digits, lower case -> the address in the usual way. */
export function hexAddresses(texts: Iterable<string>): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const text of texts)
    for (const address of addressesIn(text)) for (const digits of digitsOf(address)) found.set(digits, address);
  return found;
}

/** The pseudonyms of those addresses in the place of their digits. */
export function replaceHex(text: string, addresses: ReadonlyMap<string, string>, pseudonyms: Pseudonyms): string {
  if (addresses.size === 0) return text;
  return text.replace(/(?<![0-9a-z])(?:[0-9a-f]{8}|[0-9a-f]{32})(?![0-9a-z])/gi, (digits) => {
    const address = addresses.get(digits.toLowerCase());
    return address === undefined ? digits : pseudonyms.of(address, "address");
  });
}

/** As the network has them, and as a little-endian machine prints what is in memory. */
function digitsOf(address: string): string[] {
  const bytes = isIP(address) === 4 ? address.split(".").map(Number) : bytesOf6(address);
  const words = Array.from({ length: bytes.length / 4 }, (_, index) => bytes.slice(4 * index, 4 * index + 4));
  return [hex(bytes), hex(words.flatMap((word) => word.reverse()))];
}

function hex(bytes: readonly number[]): string {
  return bytes.map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

function bytesOf6(address: string): number[] {
  const { hostname } = new URL(`http://[${address.replace(/%.*$/, "")}]`);
  const [head = "", tail] = hostname.slice(1, -1).split("::");
  const groups = (part: string | undefined): number[] =>
    part === undefined || part === "" ? [] : part.split(":").map((group) => Number.parseInt(group, 16));
  const [before, after] = [groups(head), groups(tail)];
  const zeros = new Array<number>(8 - before.length - after.length).fill(0);
  return [...before, ...zeros, ...after].flatMap((group) => [group >> 8, group & 0xff]);
}
