import { accessWords } from "../../../smb/state-words.ts";
import { statusErrno, statusHex, statusName } from "../../../smb/status.ts";
import { statusWords } from "../../../smb/status-words.ts";
import { type Dialect, negotiate } from "../../../smb-client/negotiate.ts";
import { ntlmAnonymous, ntlmAuthenticate } from "../../../smb-client/ntlm.ts";
import { type LoginResult, type Outcome, outcomeText, Session, type TreeResult } from "../../../smb-client/session.ts";
import type { Confidence, Finding } from "../../answer.ts";
import type { Check } from "../../examine.ts";
import type { SmbCase } from "./case.ts";
import { ANSWER_MS, connected } from "./connection.ts";
import type { Who } from "./credentials.ts";
import { encryptionAsked, encryptionFinding } from "./security.ts";
import { loginVerdict } from "./statuses.ts";

/** One whole try on a connection of its own, as far as it gets. */
interface Tried {
  readonly login: LoginResult;
  readonly tree?: TreeResult;
  /** The directory that is to be mounted. */
  readonly directory?: Outcome;
}

/** Logs in, connects the share and opens what is to be mounted, without the kernel: what the server refuses, it says by name. */
export const login: Check<SmbCase> = {
  name: "log-in",
  limitMs: 60_000,
  async run(of, signal) {
    const { who, server, intent } = of;
    if (server?.wanted === undefined)
      return { result: "skip", evidence: "there is no server that a log-in could be tried on" };
    if (intent.security === "krb5")
      return { result: "skip", evidence: "sec=krb5: the steps before tell of the ticket, and --try makes a mount" };
    if (
      who === undefined ||
      (who.user !== undefined && who.password === undefined) ||
      (who.user === undefined && !isNobody(of))
    )
      return { result: "skip", evidence: "without a user and a password no log-in is tried" };
    const tried = await attempt(of, who, intent.dialects, signal);
    if (tried === undefined) return { result: "warn", evidence: "no further connection came about" };
    const { login, tree } = tried;
    if (login.state === "in") of.login = login;
    else if (login.state === "refused") of.login = login;
    const encryption = await encryptionAsked(of, tried, (dialects) => attempt(of, who, dialects, signal));
    if (encryption !== undefined) return encryption;
    if (login.state !== "in") return loginFailed(who, login);
    const findings: Finding[] = [loggedIn(of, who, login.session)];
    if (tree !== undefined) findings.push(treeFinding(of, who, tree));
    if (tried.directory !== undefined) findings.push(directoryFinding(of, tried.directory));
    return findings;
  },
};

const isNobody = ({ intent }: SmbCase): boolean => intent.security === "none" || intent.guest;

export type Attempt = Tried;

async function attempt(
  of: SmbCase,
  who: Who,
  dialects: readonly Dialect[],
  signal: AbortSignal,
): Promise<Tried | undefined> {
  const transport = await connected(of, signal);
  if (transport === undefined) return undefined;
  try {
    const agreed = await negotiate(transport, { dialects, host: of.target.host }, ANSWER_MS, signal);
    if (agreed.state !== "agreed") return undefined;
    const session = new Session(transport, agreed, ANSWER_MS);
    const asked = await session.ask(signal);
    if (asked.state !== "challenge") return { login: asked };
    const { user, domain = "", password } = who;
    const answer =
      user === undefined || password === undefined
        ? ntlmAnonymous(asked.challenge)
        : ntlmAuthenticate({ user, domain, password: password.reveal() }, asked.challenge);
    const login = await session.logIn(answer, of.intent.seal, signal);
    if (login.state !== "in") return { login };
    const tree = await session.connectTree(of.target.host, of.target.share, signal);
    if (tree.state !== "connected" || tree.tree.kind !== "disk") return { login, tree };
    return { login, tree, directory: await session.openDirectory(tree.treeId, of.target.path, signal) };
  } finally {
    transport.close();
  }
}

const nameOf = ({ user, domain }: Who): string =>
  user === undefined ? "a guest" : domain === undefined || domain === "" ? user : `${domain}\\${user}`;

const refusalText = (status: number): string => {
  const words = statusWords(statusName(status));
  return `${statusName(status)} (${statusHex(status)})${words === undefined ? "" : `: ${words}`}`;
};

function loginFailed(who: Who, login: Exclude<LoginResult, { state: "in" }>): Finding {
  const name = nameOf(who);
  if (login.state === "timeout") {
    const summary =
      "the server negotiates and then does not answer the log-in: it waits for something, often its domain controller";
    return {
      result: "fail",
      evidence: `${name}: no answer to the log-in within ${ANSWER_MS / 1000} s`,
      meaning: summary,
      verdict: {
        cause: "server.stalled",
        confidence: "likely",
        summary,
        advice: ["look at the server's log, and at its connection to its domain controller"],
      },
    };
  }
  if (login.state !== "refused")
    return {
      result: "fail",
      evidence: `${name}: ${outcomeText(login)}`,
      meaning: "the server ends the connection at the log-in",
    };
  const verdict = loginVerdict(login.status, name);
  const evidence = `${name}: ${refusalText(login.status)}`;
  const meaning = `${verdict?.summary ?? `the server refuses ${name}`}; mount says error ${statusErrno(login.status)}`;
  return {
    result: "fail",
    evidence,
    meaning,
    ...(verdict?.advice[0] !== undefined && { fix: verdict.advice[0] }),
    verdict: verdict ?? {
      cause: "auth.bad-credentials",
      confidence: "possible",
      summary: `the server refuses ${name}: ${refusalText(login.status)}`,
      advice: ["look at the server's log of that moment"],
    },
  };
}

function loggedIn(
  of: SmbCase,
  who: Who,
  { guest, anonymous, encrypts }: { guest: boolean; anonymous: boolean; encrypts: boolean },
): Finding {
  const name = nameOf(who);
  const signing = of.server?.wanted?.signing === "required";
  const wants = encrypts ? "; the server wants the session encrypted" : signing ? "; the server wants it signed" : "";
  if (!guest && (!anonymous || isNobody(of))) {
    const evidence = `${anonymous ? "nobody" : name} is let in${wants}`;
    if (!anonymous || (!signing && !of.intent.sign)) return { result: "ok", evidence };
    return guestSigning(evidence, "nobody", signing, "possible");
  }
  const evidence = `${name} is let in as a guest: the server does not know the user, or not by this password`;
  if (signing || of.intent.sign) return guestSigning(evidence, "a guest", signing);
  return {
    result: "warn",
    evidence,
    meaning: "a guest sees only what the server shows to everybody, and is neither signed nor encrypted",
    fix: "check the user's name and password if more is expected",
  };
}

function guestSigning(
  evidence: string,
  who: string,
  serverWants: boolean,
  confidence: Confidence = "certain",
): Finding {
  const summary = `${serverWants ? "the server requires signing" : "the options require signing"}, and ${who} has no key to sign with`;
  return {
    result: "fail",
    evidence,
    meaning: `${summary}; the kernel says "signing requested but authenticated as guest"`,
    fix: "mount as a user that the server knows",
    verdict: {
      cause: "mount.signing-mismatch",
      confidence,
      summary,
      advice: [
        "mount as a user that the server knows: username=, credentials=",
        ...(serverWants ? [] : ["or leave sign, sec=ntlmsspi out"]),
      ],
    },
  };
}

/** Refusals that have nothing to do with who asks. */
const limits: Readonly<Record<string, string>> = {
  STATUS_INSUFFICIENT_RESOURCES: "it is at a limit of its own",
  STATUS_REQUEST_NOT_ACCEPTED: "it takes no more connections",
  STATUS_NO_MEMORY: "it has run out of memory",
};

function treeFinding(of: SmbCase, who: Who, result: TreeResult): Finding {
  const { host, share } = of.target;
  const name = `//${host}/${share}`;
  if (result.state === "connected") {
    const { tree } = result;
    if (tree.kind !== "disk")
      return {
        result: "fail",
        evidence: `${name} is no share of files but a ${tree.kind}`,
        meaning: "it cannot be mounted",
        fix: "name another share",
      };
    const rights = accessWords(tree.maximalAccess);
    const facts = [
      `${name} is there`,
      rights.length > 0 && `rights: ${rights.join(", ")}`,
      tree.encrypts && "the server wants it encrypted",
    ];
    const bad = encryptionFinding(of, tree.encrypts);
    return bad ?? { result: "ok", evidence: facts.filter(Boolean).join("; ") };
  }
  if (result.state !== "refused") return { result: "fail", evidence: `${name}: ${outcomeText(result)}` };
  const status = statusName(result.status);
  const evidence = `${name}: ${refusalText(result.status)}`;
  const errno = `mount says error ${statusErrno(result.status)}`;
  if (
    status === "STATUS_BAD_NETWORK_NAME" ||
    status === "STATUS_NETWORK_NAME_DELETED" ||
    status === "STATUS_BAD_NETWORK_PATH" ||
    status === "STATUS_OBJECT_NAME_NOT_FOUND"
  ) {
    const summary = `the server has no share ${share}, or does not show it to ${nameOf(who)}`;
    return {
      result: "fail",
      evidence,
      meaning: `${summary}; ${errno}`,
      fix: `look which shares there are: smbclient -L ${host} -U ${who.user ?? "%"}`,
      verdict: {
        cause: "mount.share-not-found",
        confidence: "certain",
        summary,
        advice: [
          `look which shares there are, and how they are written: smbclient -L ${host} -U ${who.user ?? "%"}`,
          "the first name behind the server is the share, what follows is a directory in it",
        ],
      },
    };
  }
  const limit = limits[status];
  if (limit !== undefined) {
    const summary = `the server refuses the share ${share}: ${limit}`;
    const fix =
      "look at the server's limits and its log (Samba: max connections of the share; Azure Files: handles of the account)";
    return {
      result: "fail",
      evidence,
      meaning: `${summary}; ${errno}`,
      fix,
      verdict: { cause: "unknown", confidence: "likely", summary, advice: [fix] },
    };
  }
  const denied = /ACCESS_DENIED/.test(status);
  const summary = denied
    ? `the server lets ${nameOf(who)} in, and not to the share ${share}`
    : `the server refuses the share ${share}: ${refusalText(result.status)}`;
  return {
    result: "fail",
    evidence,
    meaning: `${summary}; ${errno}`,
    verdict: {
      cause: denied ? "server.permission" : "unknown",
      confidence: denied ? "certain" : "possible",
      summary,
      advice: [
        "look at who may use the share on the server (Samba: valid users, hosts allow; Windows: permissions of the share)",
      ],
    },
  };
}

function directoryFinding(of: SmbCase, result: Outcome): Finding {
  const { path, share } = of.target;
  const what = path === "" ? `the root of ${share}` : `${path} in ${share}`;
  if (result.state !== "answered") return { result: "fail", evidence: `${what}: ${outcomeText(result)}` };
  if (result.status === 0) return { result: "ok", evidence: `${what} can be opened` };
  const errno = statusErrno(result.status);
  const gone = errno === 2 || errno === 20;
  const summary = gone
    ? `${what} is not there, or is no directory`
    : `${what} cannot be opened: ${refusalText(result.status)}`;
  return {
    result: "fail",
    evidence: `${what}: ${refusalText(result.status)}`,
    meaning: `${summary}; mount says error ${errno}`,
    verdict: {
      cause: gone
        ? "mount.share-not-found"
        : /ACCESS_DENIED/.test(statusName(result.status))
          ? "server.permission"
          : "unknown",
      confidence: gone ? "certain" : "likely",
      summary,
      advice: [
        gone
          ? "check the path behind the share, also its spelling in upper and lower case"
          : `look at the rights of ${what} on the server`,
      ],
    },
  };
}
