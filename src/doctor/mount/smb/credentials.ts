import { open } from "node:fs/promises";
import { join, resolve } from "node:path";
import { mountOf, parseMountinfo } from "../../../system/mountinfo.ts";
import { isNfs, isSmb } from "../../../system/mounts.ts";
import { hasCode } from "../../../system/proc.ts";
import type { Finding } from "../../answer.ts";
import type { Check } from "../../examine.ts";
import { textOf } from "../../files.ts";
import type { Machine } from "../../machine.ts";
import { Secret } from "../secret.ts";
import type { SmbCase } from "./case.ts";

/** Who logs in, as mount.cifs(8) puts it together. */
export interface Who {
  /** Undefined: nobody was named. */
  readonly user?: string;
  readonly domain?: string;
  readonly password?: Secret;
  /** Where the password is from; never what it is. */
  readonly from?: string;
}

const LIMIT_BYTES = 64 * 1024;

/** Who logs in with which password, and what is wrong with the file that says it. */
export const credentials: Check<SmbCase> = {
  name: "credentials",
  // A person types.
  limitMs: 120_000,
  async run(of, signal) {
    const { options } = of.request;
    const path = options.value("credentials", "cred");
    const file = path === undefined ? undefined : await credentialsFile(path, of.machine, signal);
    const findings: Finding[] = [...(file?.findings ?? [])];
    const [fromUser, inUser] = splitUser(options.value("username", "user") ?? file?.user);
    const domain = options.value("domain", "dom", "workgroup") ?? fromUser ?? file?.domain;
    const named: Who = { ...(inUser !== undefined && { user: inUser }), ...(domain !== undefined && { domain }) };
    if (of.intent.security === "none" || (of.intent.guest && inUser === undefined)) {
      of.who = {};
      findings.push({
        result: "ok",
        evidence: `nobody logs in (${of.intent.security === "none" ? "sec=none" : "guest"})`,
      });
      return findings;
    }
    if (of.intent.security === "krb5") {
      of.who = named;
      return findings;
    }
    if (options.password !== undefined)
      findings.push({
        result: "warn",
        evidence: "the password stands in the options",
        meaning: "everybody on this machine can read it in the list of processes, and shells remember it",
        fix: "put it into a file of mode 0600: credentials=FILE",
      });
    const password = options.password ?? file?.password ?? (await of.request.password?.(inUser, signal));
    const from =
      options.password !== undefined
        ? "the options"
        : file?.password !== undefined
          ? `credentials=${path}`
          : "what was given";
    of.who = { ...named, ...(password !== undefined && { password, from }) };
    findings.push(whoText(of.who));
    return findings;
  },
};

function whoText({ user, domain, password, from }: Who): Finding {
  const name =
    user === undefined ? "no user" : `user ${user}${domain === undefined || domain === "" ? "" : `, domain ${domain}`}`;
  if (user === undefined)
    return {
      result: "skip",
      evidence: "no user was named: give --user, username= or credentials= to have the log-in tried",
    };
  if (password === undefined)
    return {
      result: "skip",
      evidence: `${name}, and no password: the log-in is not tried (credentials=, PASSWD, or a terminal to type it on)`,
    };
  return { result: "ok", evidence: `${name}, password from ${from}` };
}

/** `DOMAIN\user`, `DOMAIN/user`. */
function splitUser(text: string | undefined): readonly [domain: string | undefined, user: string | undefined] {
  const [, domain, user] = /^([^\\/]+)[\\/](.+)$/.exec(text ?? "") ?? [];
  return user === undefined ? [undefined, text] : [domain, user];
}

interface CredentialsFile {
  readonly findings: readonly Finding[];
  readonly user?: string;
  readonly domain?: string;
  readonly password?: Secret;
}

async function credentialsFile(path: string, machine: Machine, signal: AbortSignal): Promise<CredentialsFile> {
  const mounts = parseMountinfo((await textOf(join(machine.procRoot, "self/mountinfo"), signal)) ?? "");
  const on = mountOf(path, mounts, process.cwd());
  // It may be a dead one: nothing below a network mount is opened here.
  if (on !== undefined && (isSmb(on) || isNfs(on)))
    return {
      findings: [
        {
          result: "warn",
          evidence: `${path} lies on ${on.source}, a network mount: it is not looked at`,
          fix: "keep it on a local disk: a mount that needs another one to be mounted waits for it",
        },
      ],
    };
  return readCredentials(join(machine.fsRoot, resolve(path)), path, signal);
}

async function readCredentials(path: string, shown: string, signal: AbortSignal): Promise<CredentialsFile> {
  let handle: Awaited<ReturnType<typeof open>>;
  try {
    handle = await open(path, "r");
  } catch (error) {
    return { findings: [unreadable(shown, error)] };
  }
  try {
    const { mode } = await handle.stat();
    const buffer = Buffer.alloc(LIMIT_BYTES);
    const { bytesRead } = await handle.read(buffer, 0, LIMIT_BYTES, 0);
    signal.throwIfAborted();
    return parseCredentials(buffer.toString("utf8", 0, bytesRead), shown, mode & 0o777);
  } finally {
    await handle.close();
  }
}

function unreadable(shown: string, error: unknown): Finding {
  const gone = hasCode(error, "ENOENT", "ENOTDIR");
  const summary = gone
    ? `the file of credentials=${shown} is not there`
    : `the file of credentials=${shown} cannot be read`;
  return {
    result: "fail",
    evidence: `${shown}: ${error instanceof Error && "code" in error ? String(error.code) : "not readable"}`,
    meaning: `${summary}: mount.cifs ends with error ${gone ? 2 : 13} before it asks the server`,
    fix: gone ? "correct the path, or write the file" : "run as the user who owns it, or as root",
    verdict: {
      cause: "auth.bad-credentials",
      confidence: gone ? "certain" : "possible",
      summary,
      advice: [
        gone
          ? `write ${shown} with the lines username=, password=, domain=, mode 0600`
          : `let ${shown} be readable for who mounts`,
      ],
    },
  };
}

/** The lines of mount.cifs's file; what they hold is never shown, their keys are. */
export function parseCredentials(text: string, shown: string, mode: number): CredentialsFile {
  const findings: Finding[] = [];
  const values = new Map<string, string>();
  const strange: number[] = [];
  const spaced: number[] = [];
  for (const [index, line] of text.split("\n").entries()) {
    // mount.cifs looks at the beginning of the key, and takes everything behind the = as it stands.
    const [, key, rest, value] = /^[ \t]*(user|pass|dom)([^=]*)=([\s\S]*)$/i.exec(line) ?? [];
    if (key !== undefined && value !== undefined) {
      if (!/2\s*$/.test(rest ?? "")) values.set(key.toLowerCase(), value);
      if (value !== value.trimStart()) spaced.push(index + 1);
    } else if (line.trim() !== "" && !line.trimStart().startsWith("#")) strange.push(index + 1);
  }
  const modeText = `0${mode.toString(8).padStart(3, "0")}`;
  if ((mode & 0o077) !== 0)
    findings.push({
      result: "warn",
      evidence: `${shown} has mode ${modeText}`,
      meaning: "others on this machine can read the password",
      fix: `chmod 0600 ${shown}`,
    });
  if (strange.length > 0)
    findings.push({
      result: "warn",
      evidence: `${shown}: line ${strange.slice(0, 5).join(", ")} is none of username=, password=, domain=`,
      meaning: "mount.cifs does not understand it",
      fix: "correct the line",
    });
  if (spaced.length > 0)
    findings.push({
      result: "warn",
      evidence: `${shown}: line ${spaced.join(", ")} has a space behind the =`,
      meaning: "the space becomes part of the name or the password",
      fix: "remove the space, unless it is meant",
    });
  const returns = [...values.values()].some((value) => value.endsWith("\r"));
  if (returns)
    findings.push({
      result: "fail",
      evidence: `${shown} has lines that end with carriage return and line feed`,
      meaning: "the carriage return becomes part of the name and the password: the server refuses them, error 13",
      fix: `write it with line feeds alone: sed -i 's/\\r$//' ${shown}`,
      verdict: {
        cause: "auth.bad-credentials",
        confidence: "certain",
        summary: `the lines of ${shown} end with a carriage return, which becomes part of the password`,
        advice: [`sed -i 's/\\r$//' ${shown}`],
      },
    });
  const user = values.get("user");
  const domain = values.get("dom");
  const pass = values.get("pass");
  if (user === undefined && pass === undefined)
    findings.push({
      result: "warn",
      evidence: `${shown} has neither username= nor password=`,
      fix: "write both lines",
    });
  return {
    findings,
    ...(user !== undefined && { user }),
    ...(domain !== undefined && { domain }),
    ...(pass !== undefined && { password: new Secret(pass) }),
  };
}
