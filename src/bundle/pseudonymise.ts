import { isIP } from "node:net";
import type { Kind, Pseudonyms } from "./pseudonyms.ts";

// Two passes: words that are named as a host or a user somewhere are replaced everywhere; addresses and paths by their form.

/** Words that say nothing about anybody. */
const common = new Set([
  ..."localhost localdomain local lan com net org root nobody daemon system none default server client share public data home tmp".split(
    " ",
  ),
  ..."true false null yes no on off smb cifs nfs krb5 ntlmssp guest windows linux debian ubuntu kernel unknown".split(
    " ",
  ),
]);

/** Where names of users and hosts stand. The first group is the word. */
const places: readonly { readonly kind: Kind; readonly pattern: RegExp }[] = [
  { kind: "user", pattern: /\b(?:user(?:name)?|cruid|owner)=["']?([\w.$@-]{2,64})/gi },
  { kind: "user", pattern: /"(?:user|username|owner|principal)"\s*:\s*"([^"\\/@]{2,64})/gi },
  { kind: "user", pattern: /\/home\/([\w.-]{2,64})/g },
  { kind: "user", pattern: /\b([\w.-]{2,64})@[A-Z][A-Z0-9.-]+\b/g },
  { kind: "host", pattern: /\b(?:domain|dom|servern|netbiosname|realm)=["']?([\w.-]{2,253})/gi },
  { kind: "host", pattern: /@([A-Z][A-Z0-9-]*(?:\.[A-Z0-9-]+)+)\b/g },
  { kind: "host", pattern: /\bHostname:\s*([\w.-]{2,253})/g },
  { kind: "host", pattern: /"(?:server|host|hostname)"\s*:\s*"([\w.-]{2,253})"/g },
  { kind: "host", pattern: /(?:\\\\|(?<![:\w/])\/\/)([\w.-]{2,253})[\\/]/g },
  { kind: "host", pattern: /^([\w.-]{2,253}):\/\S*\s/gm },
];

/** The words of a text that are to be replaced wherever they stand. */
export function collectWords(text: string, pseudonyms: Pseudonyms): void {
  for (const { kind, pattern } of places) {
    for (const [, word = ""] of text.matchAll(pattern)) note(word, kind, pseudonyms);
  }
}

/** One word that is known to be a host's or a user's. A host's first label is it too. */
export function note(word: string, kind: "host" | "user" | Kind, pseudonyms: Pseudonyms): void {
  if (isIP(word) !== 0 || common.has(word.toLowerCase()) || /^\d+$/.test(word) || word.length < 2) return;
  pseudonyms.of(word, kind);
  const label = /^([\w-]{2,63})\./.exec(word)?.[1];
  if (kind === "host" && label !== undefined && !common.has(label.toLowerCase()) && !/^\d+$/.test(label)) {
    pseudonyms.of(label, kind);
  }
}

const ipv4 = /(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w.])/g;
const ipv6 = /(?<![\w:.])(?:[0-9a-f]{0,4}:){2,7}[0-9a-f]{0,4}(?:%\w+)?(?![\w:.])/gi;
const mac = /(?<![\w:])(?:[0-9a-f]{2}:){5}[0-9a-f]{2}(?![\w:])/gi;
/** A part of a path; mount tables write a blank as \040. */
const part = String.raw`(?:[^\s"',;:*?<>|()=\\/[\]]|\\[0-7]{3})+`;
/** A share and what is in it, also as JSON writes it. */
const unc = /(\\\\|\\\\\\\\)([\w.-]+)((?:\\{1,2}[^\\\s"',;:*?<>|]+)+)/g;
const slashes = new RegExp(String.raw`(?<![:\w/])\/\/([\w.-]+)((?:\/${part})+)`, "g");
const path = new RegExp(String.raw`(?<![\w.\\/:-])\/${part}(?:\/${part})*`, "g");
const exported = new RegExp(String.raw`(?<=[\w\]-]:)\/${part}(?:\/${part})*`, "g");
/** Below these are the system's own files: they stay, or nothing could be read any more. */
const systemRoots =
  /^\/(?:proc|sys|dev|usr|bin|sbin|lib\w*|etc|boot|run\/(?!user)|var\/(?:lib\/aod|log|lib\/nfs)|nix)(?:\/|$)/;
/** These stay themselves, what is below them not. */
const knownRoots = /^(?:mnt|media|home|srv|data|tmp|opt|root|var|run|user|export|exports|nfs|net|bundles)$/;
/** Here a blank ends nothing. */
const memberNames =
  /("(?:path|file|filename|directory|mount|mount_point|export)"\s*:\s*")((?:\\["/]|[^"\\]){1,4096})(")/g;

const pseudonym = /^(?:host|user|address|name)-\d+$/;

/** Replaces what names users, hosts, addresses and paths. `words`: the finished map of all texts. */
export function pseudonymise(text: string, pseudonyms: Pseudonyms, words: RegExp | undefined): string {
  const name = (part: string): string =>
    part === "" || pseudonym.test(part) || knownRoots.test(part) || /^(?:IPC\$|\.{1,2})$/.test(part)
      ? part
      : pseudonyms.of(part, "name");
  const names = (joined: string, separator: RegExp): string =>
    joined
      .split(separator)
      .map((part) => (separator.test(part) ? part : name(part)))
      .join("");
  const address = (found: string): string => (isKept(found) ? found : pseudonyms.of(found, "address"));
  const whole = (found: string): string => (systemRoots.test(found) ? found : names(found, /(\/)/));
  let out = text
    .replace(memberNames, (_, head: string, value: string, tail: string) => `${head}${whole(value)}${tail}`)
    .replace(
      unc,
      (_, lead: string, host: string, rest: string) => `${lead}${hostOf(host, pseudonyms)}${names(rest, /(\\+)/)}`,
    )
    .replace(slashes, (_, host: string, rest: string) => `//${hostOf(host, pseudonyms)}${names(rest, /(\/)/)}`)
    .replace(exported, whole)
    .replace(path, whole)
    .replace(mac, address)
    .replace(ipv4, address)
    .replace(ipv6, (found) => (isIP(found.replace(/%\w+$/, "")) === 6 ? address(found) : found));
  if (words !== undefined) {
    const known = new Map(pseudonyms.entries());
    out = out.replace(words, (word) => known.get(word.toLowerCase()) ?? known.get(word) ?? word);
  }
  return out;
}

/** The addresses in a text that have pseudonyms. */
export function addressesIn(text: string): string[] {
  const v4 = [...text.matchAll(ipv4)].map(([address]) => address).filter((address) => isIP(address) === 4);
  const v6 = [...text.matchAll(ipv6)].map(([address]) => address.replace(/%\w+$/, ""));
  return [...v4, ...v6.filter((address) => isIP(address) === 6)].filter((address) => !isKept(address));
}

function hostOf(host: string, pseudonyms: Pseudonyms): string {
  if (common.has(host.toLowerCase()) || isKept(host) || pseudonym.test(host)) return host;
  return pseudonyms.of(host, isIP(host) === 0 ? "host" : "address");
}

function isKept(address: string): boolean {
  return /^(?:127\.\d+\.\d+\.\d+|0\.0\.0\.0|255\.255\.255\.255|::1?|(?:00:){5}00|(?:ff:){5}ff)$/i.test(address);
}

/** Finds every host and user of the map as a whole word, the longest first. */
export function wordPattern(pseudonyms: Pseudonyms): RegExp | undefined {
  const words = pseudonyms
    .entries()
    .filter(([, pseudonym]) => /^(?:host|user)-/.test(pseudonym))
    .map(([word]) => word)
    .sort((a, b) => b.length - a.length || (a < b ? -1 : 1));
  if (words.length === 0) return undefined;
  const escaped = words.map((word) => word.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`(?<![\\w-])(?:${escaped.join("|")})(?![\\w-])`, "gi");
}
