// krb5.conf(5) of MIT Kerberos, with what it includes. Values are told in the order in which they are read: of a name that stands twice the first counts.

/** `realms`, `LAB.TEST`, `kdc` = `127.0.0.1:88` is `{ path: ["realms", "LAB.TEST", "kdc"], value: "127.0.0.1:88" }`. */
export interface Krb5Entry {
  readonly path: readonly string[];
  readonly value: string;
}

export interface Krb5Conf {
  readonly files: readonly string[];
  readonly entries: readonly Krb5Entry[];
  /** What the library stops at, or what could not be read. */
  readonly troubles: readonly string[];
}

/** How files are read; a link below a network mount is for the caller to refuse. Undefined: there is none. */
export interface Krb5Files {
  read(path: string): Promise<string | undefined>;
  list(directory: string): Promise<readonly string[] | undefined>;
}

const MAX_FILES = 64;
const MAX_DEPTH = 8;

/** Never rejects for what stands in a file. */
export async function readKrb5Conf(paths: readonly string[], io: Krb5Files): Promise<Krb5Conf> {
  const files: string[] = [];
  const entries: Krb5Entry[] = [];
  const troubles: string[] = [];
  const take = async (path: string, from: string, depth: number): Promise<void> => {
    if (files.length >= MAX_FILES || depth > MAX_DEPTH) {
      troubles.push(`${path}: too many files are included`);
      return;
    }
    const text = await io.read(path);
    if (text === undefined) {
      if (from !== "") troubles.push(`${from} includes ${path}, which cannot be read`);
      return;
    }
    files.push(path);
    for (const item of itemsOf(text)) {
      if ("value" in item) entries.push(item);
      else if ("trouble" in item) troubles.push(`${path}:${item.line}: ${item.trouble}`);
      else if (item.directive === "include") await take(item.of, path, depth + 1);
      else {
        const names = await io.list(item.of);
        if (names === undefined) troubles.push(`${path} includes ${item.of}, which cannot be read`);
        for (const name of (names ?? []).filter(isIncluded).toSorted())
          await take(`${item.of.replace(/\/+$/, "")}/${name}`, path, depth + 1);
      }
    }
  };
  for (const path of paths) await take(path, "", 0);
  return { files, entries, troubles };
}

const isIncluded = (name: string): boolean => /^[A-Za-z0-9_-]+$/.test(name) || /^[^.].*\.conf$/.test(name);

type Item =
  | Krb5Entry
  | { readonly directive: "include" | "includedir"; readonly of: string }
  | { readonly trouble: string; readonly line: number };

function itemsOf(text: string): Item[] {
  const items: Item[] = [];
  let path: string[] = [];
  for (const [index, raw] of text.split("\n").entries()) {
    const line = raw.trim();
    if (line === "" || /^[#;]/.test(line)) continue;
    const [, directive, of = ""] = /^(include|includedir)\s+(\S.*)$/.exec(line) ?? [];
    const section = /^\[([^\]]*)\]\*?$/.exec(line)?.[1];
    const [, name, value] = /^([^\s=]+?)\*?\s*=\s*(.*)$/.exec(line) ?? [];
    if (directive === "include" || directive === "includedir") items.push({ directive, of });
    else if (section !== undefined) path = [section.trim()];
    else if (/^\}\*?$/.test(line)) path = path.length > 1 ? path.slice(0, -1) : path;
    else if (name !== undefined && value === "{") path = [...path, name];
    else if (name !== undefined && path.length > 0) items.push({ path: [...path, name], value: unquoted(value ?? "") });
    else if (!line.startsWith("module ")) items.push({ trouble: "this line is not understood", line: index + 1 });
  }
  return items;
}

const unquoted = (value: string): string => /^"(.*)"$/.exec(value)?.[1] ?? value;

/** All values of a name, e.g. `valuesOf(conf, "realms", "LAB.TEST", "kdc")`. */
export function valuesOf({ entries }: Pick<Krb5Conf, "entries">, ...path: readonly string[]): readonly string[] {
  return entries
    .filter((entry) => entry.path.length === path.length && entry.path.every((name, at) => name === path[at]))
    .map(({ value }) => value);
}

/** Undefined: it is not set, or is neither yes nor no. */
export function flagOf(conf: Pick<Krb5Conf, "entries">, ...path: readonly string[]): boolean | undefined {
  const value = valuesOf(conf, ...path)[0]?.toLowerCase();
  if (/^(?:y|yes|true|t|1|on)$/.test(value ?? "")) return true;
  return /^(?:n|no|false|nil|f|0|off)$/.test(value ?? "") ? false : undefined;
}

/** The realm that [domain_realm] gives to a host: the host itself, then its parents with and without a dot before. */
export function realmOfHost(conf: Pick<Krb5Conf, "entries">, host: string): string | undefined {
  const labels = host.toLowerCase().split(".");
  const names = labels.flatMap((_, at) => {
    const rest = labels.slice(at).join(".");
    return at === 0 ? [rest] : [`.${rest}`, rest];
  });
  for (const name of names) {
    const [realm] = conf.entries
      .filter(({ path }) => path.length === 2 && path[0] === "domain_realm" && path[1]?.toLowerCase() === name)
      .map(({ value }) => value);
    if (realm !== undefined) return realm;
  }
  return undefined;
}
