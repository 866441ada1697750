import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { AodError } from "../system/error.ts";

export type Kind = "host" | "user" | "address" | "name";

/** What stands for what. The same word has the same pseudonym in every bundle that is written with one map. */
export class Pseudonyms {
  readonly #known: Map<string, string>;
  readonly #counts: Record<Kind, number> = { host: 0, user: 0, address: 0, name: 0 };

  constructor(entries: Iterable<readonly [string, string]> = []) {
    this.#known = new Map(entries);
    for (const pseudonym of this.#known.values()) {
      const [, kind, number] = /^(host|user|address|name)-(\d+)$/.exec(pseudonym) ?? [];
      if (isKind(kind)) this.#counts[kind] = Math.max(this.#counts[kind], Number(number));
    }
  }

  /** Names of hosts and users are the same in upper and lower case. */
  of(word: string, kind: Kind): string {
    const key = kind === "name" ? word : word.toLowerCase();
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    this.#counts[kind] += 1;
    const pseudonym = `${kind}-${this.#counts[kind]}`;
    this.#known.set(key, pseudonym);
    return pseudonym;
  }

  entries(): [string, string][] {
    return [...this.#known];
  }
}

function isKind(text: string | undefined): text is Kind {
  return text === "host" || text === "user" || text === "address" || text === "name";
}

/** The map of this host: JSON, for root alone. It never goes into a bundle. Throws AodError `failed` when it is damaged: with another one, words would change. */
export function loadPseudonyms(path: string): Pseudonyms {
  if (!existsSync(path)) return new Pseudonyms();
  try {
    const value: unknown = JSON.parse(readFileSync(path, "utf8"));
    if (typeof value === "object" && value !== null && Object.values(value).every((one) => typeof one === "string")) {
      return new Pseudonyms(Object.entries(value));
    }
  } catch (error) {
    throw new AodError("failed", `${path} cannot be read; move it away to begin a new map`, { cause: error });
  }
  throw new AodError("failed", `${path} is not a map of pseudonyms; move it away to begin a new one`);
}

export function savePseudonyms(path: string, pseudonyms: Pseudonyms): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const fresh = `${path}.new`;
  rmSync(fresh, { force: true });
  writeFileSync(fresh, `${JSON.stringify(Object.fromEntries(pseudonyms.entries()), null, 1)}\n`, {
    mode: 0o600,
    flag: "wx",
  });
  chmodSync(fresh, 0o600);
  renameSync(fresh, path);
}
