import { statusName } from "../../../smb/status.ts";
import type { Verdict } from "../../answer.ts";

type Told = Pick<Verdict, "cause" | "confidence" | "advice"> & { readonly summary: string };

const account = (summary: string, advice: string, confidence: Told["confidence"] = "certain"): Told => ({
  cause: "auth.bad-credentials",
  confidence,
  summary,
  advice: [advice],
});

const disabled = (summary: string, advice: string): Told => ({
  cause: "auth.account-disabled",
  confidence: "certain",
  summary,
  advice: [advice],
});

/** What a refused log-in says; WHO stands for the user. */
const logins: Readonly<Record<string, Told>> = {
  STATUS_LOGON_FAILURE: {
    cause: "auth.bad-credentials",
    confidence: "certain",
    summary: "the server refuses WHO: the password is wrong or it knows no such user (servers do not say which)",
    advice: [
      "check the password, and the name with its domain: username=, domain=",
      "check on the server that the user exists (Samba: pdbedit -L) and what its log says",
    ],
  },
  STATUS_WRONG_PASSWORD: account("the server knows WHO, and the password is wrong", "correct the password"),
  STATUS_NO_SUCH_USER: account("the server knows no WHO", "check the name and its domain: username=, domain="),
  STATUS_ACCOUNT_DISABLED: disabled(
    "the account of WHO is disabled on the server",
    "enable it there (Samba: smbpasswd -e; Windows: net user NAME /active:yes)",
  ),
  STATUS_ACCOUNT_LOCKED_OUT: disabled(
    "the account of WHO is locked after too many wrong passwords",
    "unlock it, and find out who tries a wrong one",
  ),
  STATUS_ACCOUNT_EXPIRED: disabled("the account of WHO has expired", "prolong it on the server"),
  STATUS_PASSWORD_EXPIRED: account("the password of WHO has expired", "set a new one on the server"),
  STATUS_PASSWORD_MUST_CHANGE: account(
    "WHO has to change the password before the first log-in",
    "set a new one on the server",
  ),
  STATUS_ACCOUNT_RESTRICTION: disabled(
    "a rule of the server keeps WHO from logging in (an empty password, or log-ins over the network are not allowed)",
    "look at the account's restrictions on the server",
  ),
  STATUS_INVALID_LOGON_HOURS: disabled("WHO may not log in at this hour", "look at the account's hours on the server"),
  STATUS_INVALID_WORKSTATION: disabled(
    "WHO may not log in from this machine",
    "look at the account's list of machines on the server",
  ),
  STATUS_LOGON_TYPE_NOT_GRANTED: disabled(
    "WHO may not log in over the network",
    "give the account that right on the server",
  ),
  STATUS_TIME_DIFFERENCE_AT_DC: {
    cause: "auth.clock-skew",
    confidence: "certain",
    summary: "the server and its domain controller have different times",
    advice: ["let all of them follow the same time servers"],
  },
  STATUS_NO_LOGON_SERVERS: {
    cause: "unknown",
    confidence: "likely",
    summary: "the server reaches no domain controller that could check the password",
    advice: ["look at the server's connection to its domain"],
  },
  STATUS_NOT_SUPPORTED: account("the server takes no NTLM", "mount with sec=krb5", "likely"),
  STATUS_INVALID_PARAMETER: account(
    "the server does not take this way to log in",
    "try sec=krb5, or look at the server's log",
    "possible",
  ),
};

/** Undefined for a status that the log-in is not known to fail with. */
export function loginVerdict(status: number, who: string): Verdict | undefined {
  const told = logins[statusName(status)];
  return told === undefined ? undefined : { ...told, summary: told.summary.replace("WHO", who) };
}
