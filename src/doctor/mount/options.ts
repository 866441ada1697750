import { Secret } from "./secret.ts";

/** One option of mount(8), as it was written: `vers=3.1.1`, `seal`. */
export interface MountOption {
  readonly name: string;
  readonly value?: string;
}

const secretNames: ReadonlySet<string> = new Set(["pass", "password", "pass2", "password2"]);

/** The options of a mount in their order; what is secret among them is kept apart, so that nothing prints it. */
export class MountOptions {
  readonly all: readonly MountOption[];
  readonly password?: Secret;
  readonly #secrets: readonly string[];

  constructor(all: readonly MountOption[], secrets: readonly string[] = []) {
    this.all = all;
    this.#secrets = secrets;
    const last = secrets.at(-1);
    if (last !== undefined) this.password = new Secret(last);
  }

  has(name: string): boolean {
    return this.all.some((option) => option.name === name);
  }

  /** The last value, as the kernel takes the last; undefined for an option without one. */
  value(...names: readonly string[]): string | undefined {
    return this.all.findLast((option) => names.includes(option.name))?.value;
  }

  /** Whether the last of both names is the first: `seal` and `noseal`. */
  isOn(name: string, off = `no${name}`): boolean {
    return this.all.findLast((option) => option.name === name || option.name === off)?.name === name;
  }

  /** With further ones behind them. */
  with(more: readonly MountOption[]): MountOptions {
    return new MountOptions([...this.all, ...more], this.#secrets);
  }

  /** With all of others behind them, which win. */
  joined(others: MountOptions): MountOptions {
    return new MountOptions([...this.all, ...others.all], [...this.#secrets, ...others.#secrets]);
  }

  /** `vers=3.1.1,seal`, without what is secret. */
  toString(): string {
    return this.all.map(({ name, value }) => (value === undefined ? name : `${name}=${value}`)).join(",");
  }
}

export function parseMountOptions(text: string): MountOptions {
  const all: MountOption[] = [];
  const secrets: string[] = [];
  for (const part of text.split(",")) {
    const equals = part.indexOf("=");
    const name = (equals < 0 ? part : part.slice(0, equals)).trim();
    const value = equals < 0 ? undefined : part.slice(equals + 1);
    if (name === "") continue;
    const secret = secretNames.has(name.toLowerCase());
    if (secret && value !== undefined) secrets.push(value);
    // user=NAME%PASSWORD, which old mount.cifs takes.
    const [plain, hidden] = !secret && /^user(name)?$/.test(name) ? split(value, "%") : [value];
    if (hidden !== undefined) secrets.push(hidden);
    all.push({ name, ...(plain === undefined || secret ? {} : { value: plain }) });
  }
  return new MountOptions(all, secrets);
}

function split(text: string | undefined, by: string): readonly [string | undefined, string?] {
  const at = text?.indexOf(by) ?? -1;
  return text === undefined || at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}
