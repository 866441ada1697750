/** What stands in place of a secret. */
export const MARK = "[removed]";

/** `json`: a value ends at the quotation mark of its string. `text`: at a comma or white space. */
export type TextKind = "text" | "json";

// Mount options, command lines, connection strings: KEY=VALUE. `cred` and `credentials` name a file, but the name alone tells where
// passwords lie. mount.cifs writes a comma inside a password twice.
const before = "(?<![A-Za-z0-9])";
const keys =
  "(?:(?:password|passwd|passphrase|secret)[a-z0-9_]{0,64}" +
  `|${before}(?:pass2?|cred(?:ential)?s?)|(?:api|access|account|private)_?key|shared_?access_?(?:key|signature)|token)`;
const value = {
  text: `(?:"[^"\\n]{0,1024}"|'[^'\\n]{0,1024}'|(?:,,|[^\\s,;&])+)`,
  json: `(?:\\\\"(?:(?!\\\\").){0,1024}\\\\"|'[^'"\\\\]{0,1024}'|(?:,,|\\\\.|[^\\s,;&"\\\\])+)`,
} as const;
const word = { text: "[^\\s]+", json: '(?:\\\\.|[^\\s"\\\\])+' } as const;

/** Every repetition before the point where a match is certain is bounded, so that no text costs more than a multiple of its length. */
function rulesFor(kind: TextKind): readonly RegExp[] {
  const any = value[kind];
  const rest = kind === "json" ? '(?:\\\\.|[^"\\\\])+' : ".+";
  const rule = (head: string, secret: string): RegExp => new RegExp(`(${head})${secret}`, "gi");
  return [
    // Headers first: they take the rest of the line, whatever follows.
    rule(`${before}(?:proxy-)?authorization["']?\\s{0,8}[:=]\\s{0,8}["']?`, rest),
    rule(`${before}(?:set-)?cookie:\\s{0,8}`, rest),
    rule(`${before}bearer\\s{1,8}`, "[A-Za-z0-9._~+/=-]{8,}"),
    // What smbinfo keys prints.
    rule(`${before}(?:session|signing|encryption|decryption|server ?in|server ?out) key:\\s{0,8}`, rest),
    rule(`${keys}=`, any),
    // A shared access signature; a signal's number is shorter.
    rule(`${before}sig=`, '[^\\s,;&"\\\\]{8,}'),
    // JSON and YAML members. Not `name:type` without a space, as in /proc/fs/cifs/mount_params.
    rule(`${keys}\\\\?["']\\s{0,8}:\\s{0,8}\\\\?["']`, "(?:\\\\.|[^\"'\\\\])+"),
    rule(`${keys}:\\s{1,8}(?!["'\\s])`, word[kind]),
    rule(`--[a-z-]{0,32}${keys}\\s{1,8}`, word[kind]),
    // user%password, as smbclient and mount.cifs take it.
    rule(`${before}user(?:name)?=[^,%\\s"]{0,256}%`, any),
    rule(`(?:^|\\s|")(?:-U|--user(?:name)?)[\\s=]{0,8}[^%\\s"]{1,256}%`, word[kind]),
    // scheme://user:password@host
    rule('://[^\\s/:@"]{1,256}:', '[^\\s/"]{1,1024}(?=@)'),
    // JSON web tokens.
    rule("(?<![A-Za-z0-9_-])", "eyJ[A-Za-z0-9_-]{8,}\\.[A-Za-z0-9_-]{8,}\\.[A-Za-z0-9_-]*"),
  ];
}

const rules = { text: rulesFor("text"), json: rulesFor("json") } as const;

/** Whether anything of the above can be in a text at all: the one look that most evidence gets. */
const suspicious = /pass|cred|secret|key|token|sig|authoriz|cookie|bearer|:\/\/|%|eyJ|PRIVATE/i;
const keyBegin = /-----BEGIN [A-Z ]*PRIVATE KEY-----/;
const keyEnd = /-----END [A-Z ]*PRIVATE KEY-----/;

export interface Redaction {
  readonly text: string;
  readonly removed: number;
}

/** Takes the secrets out of one line or a text of several. A private key in PEM form goes from its first to its last line. */
export function redact(text: string, kind: TextKind = "text"): Redaction {
  if (!suspicious.test(text)) return { text, removed: 0 };
  let removed = 0;
  let result = text.replace(new RegExp(`${keyBegin.source}[^]*?(?:${keyEnd.source}|$)`, "g"), () => {
    removed += 1;
    return MARK;
  });
  for (const rule of rules[kind]) {
    result = result.replace(rule, (match: string, head: string) => {
      if (match !== head + MARK) removed += 1;
      return head + MARK;
    });
  }
  return { text: result, removed };
}

/** A line longer than this cannot be judged in one piece and is withheld. */
const lineLimit = 64 * 1024;

/** Redacts a stream: bytes in as they come, whole redacted lines out. */
export class LineRedactor {
  removed = 0;
  readonly #kind: TextKind;
  readonly #decoder = new TextDecoder();
  #rest = "";
  #withheld = 0;
  #inKey = false;

  constructor(kind: TextKind) {
    this.#kind = kind;
  }

  push(piece: Buffer | string): string {
    const text = this.#rest + (typeof piece === "string" ? piece : this.#decoder.decode(piece, { stream: true }));
    const end = text.lastIndexOf("\n") + 1;
    this.#rest = text.slice(end);
    let whole = text.slice(0, end);
    if (this.#withheld > 0 && end > 0) {
      const first = whole.indexOf("\n");
      whole = this.#closeWithheld(first) + whole.slice(first);
    }
    if (this.#rest.length > lineLimit || this.#withheld > 0) {
      this.#withheld += this.#rest.length;
      this.#rest = "";
    }
    return this.#judge(whole);
  }

  end(): string {
    const last = this.#rest + this.#decoder.decode();
    this.#rest = "";
    return this.#withheld > 0 ? this.#closeWithheld(last.length) : this.#judge(last);
  }

  #closeWithheld(more: number): string {
    const note = `[${this.#withheld + more} characters withheld: line too long]`;
    this.#withheld = 0;
    this.removed += 1;
    return note;
  }

  /** Keeps the state of a PEM block across pieces; everything else is a matter of one line. */
  #judge(text: string): string {
    if (!this.#inKey && !keyBegin.test(text)) return this.#redact(text);
    let out = "";
    for (const line of text.split(/(?<=\n)/)) {
      if (this.#inKey) {
        this.#inKey = !keyEnd.test(line);
      } else if (keyBegin.test(line) && !keyEnd.test(line)) {
        this.#inKey = true;
        this.removed += 1;
        out += `${MARK}\n`;
      } else {
        out += this.#redact(line);
      }
    }
    return out;
  }

  #redact(text: string): string {
    const { text: clean, removed } = redact(text, this.#kind);
    this.removed += removed;
    return clean;
  }
}
