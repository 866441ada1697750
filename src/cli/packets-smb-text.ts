import type { SessionReport, SmbReport, TreeReport } from "../packets/smb/smb-report.ts";
import { left, printable } from "../tools/table-text.ts";
import { statusLines, unansweredLine } from "./packets-rpc-text.ts";

const line = (name: string, text: string): string => `  ${left(name, 11)} ${printable(text)}`;

/** What an SMB connection says. */
export function smbLines(smb: SmbReport): string[] {
  const { offer, choice } = smb;
  const list = (values: readonly string[], none = "none"): string => (values.length === 0 ? none : values.join(", "));
  return [
    ...(offer === undefined
      ? []
      : [
          line(
            "offered",
            `${list(offer.dialects)}; signing ${offer.signing}; ${list(offer.capabilities, "no capabilities")}`,
          ),
          ...details(offer),
          ...(offer.serverName === undefined ? [] : [line("", `the server is called ${offer.serverName}`)]),
        ]),
    ...(choice === undefined
      ? []
      : [
          line(
            "chosen",
            `${choice.dialect}; signing ${choice.signing}; ${list(choice.capabilities, "no capabilities")}`,
          ),
          ...details(choice),
          line(
            "",
            `at most ${choice.maxRead} bytes a read, ${choice.maxWrite} a write, ${choice.maxTransact} otherwise`,
          ),
          line("", `log-in by ${list(choice.mechanisms, "what the server does not say")}`),
          ...(smb.skew_ms === undefined
            ? []
            : [
                line("clock", `server at ${choice.serverTime ?? ""}, ${skewText(smb.skew_ms, smb.skew_error_ms ?? 0)}`),
              ]),
        ]),
    ...smb.sessions.flatMap(sessionLines),
    ...smb.trees.map((tree) => line("tree", treeText(tree))),
    ...(smb.unlisted > 0 ? [line("", `${smb.unlisted} further sessions and trees are not listed`)] : []),
    ...statusLines(smb.statuses),
    ...messageNotes(smb).map((text) => line("messages", text)),
    ...unansweredLine(smb.unanswered),
  ];
}

interface Algorithms {
  readonly ciphers: readonly string[];
  readonly signingAlgorithms: readonly string[];
  readonly compression: readonly string[];
}

function details({ ciphers, signingAlgorithms, compression }: Algorithms): string[] {
  const parts = [
    ...(ciphers.length === 0 ? [] : [`ciphers ${ciphers.join(", ")}`]),
    ...(signingAlgorithms.length === 0 ? [] : [`signing by ${signingAlgorithms.join(", ")}`]),
    ...(compression.length === 0 ? [] : [`compression ${compression.join(", ")}`]),
  ];
  return parts.length === 0 ? [] : [line("", parts.join("; "))];
}

function skewText(ms: number, error: number): string {
  const text = (value: number): string =>
    Math.abs(value) < 1000 ? `${Math.abs(value).toFixed(0)} ms` : `${(Math.abs(value) / 1000).toFixed(1)} s`;
  if (Math.abs(ms) <= error) return `as the clock of the capture (within ${text(error)})`;
  return `${text(ms)} ${ms < 0 ? "behind" : "ahead of"} the clock of the capture (within ${text(error)})`;
}

function sessionLines(session: SessionReport): string[] {
  const { id, status, mechanisms, user, domain, workstation, anonymous, server, encrypted } = session;
  const who = anonymous ? "nobody (anonymous)" : [domain, user].filter((part) => part !== undefined).join("\\");
  const names = Object.entries(server ?? {}).map(([name, value]) => `${name.replaceAll("_", " ")} ${value}`);
  const from = workstation === undefined ? "" : ` from ${workstation}`;
  const parts = [
    mechanisms.length === 0 ? "log-in not in the capture" : mechanisms.join(", "),
    ...(who === "" ? [] : [`${who}${from}`]),
    ...(status === undefined ? [] : [status]),
  ];
  return [
    line("session", `${id}: ${parts.join("; ")}`),
    ...(session.client_version === undefined ? [] : [line("", `client: ${session.client_version.text}`)]),
    ...(session.server_version === undefined && names.length === 0
      ? []
      : [
          line(
            "",
            `server: ${[session.server_version?.text, ...names].filter((part) => part !== undefined).join(", ")}`,
          ),
        ]),
    ...(encrypted === undefined ? [] : [line("", encryptedText(encrypted))]),
  ];
}

function encryptedText({ to_server: up, to_client: down, decrypted }: NonNullable<SessionReport["encrypted"]>): string {
  const what = `encrypted: ${up} messages to the server, ${down} to the client`;
  if (decrypted === up + down) return `${what}, all decrypted`;
  if (decrypted > 0) return `${what}, ${decrypted} decrypted`;
  return `${what}: what is in them is not seen (aod keys, --keys)`;
}

function treeText({ path, session, status, id, kind, encrypted }: TreeReport): string {
  const parts = [
    status ?? "not answered",
    ...(kind === undefined ? [] : [kind]),
    ...(id === undefined ? [] : [`tree ${id}`]),
    `session ${session}`,
    ...(encrypted === true ? ["the server wants encryption"] : []),
  ];
  return `${path}: ${parts.join(", ")}`;
}

function messageNotes(smb: SmbReport): string[] {
  const { messages, signed, compounds, pending, cancels, notifications, most_in_flight: most } = smb;
  const further: readonly (readonly [count: number, text: string])[] = [
    [signed, "signed"],
    [compounds, "compound chains"],
    [smb.encrypted.messages + smb.encrypted.decrypted, "encrypted"],
    [smb.compressed, "compressed, not looked into"],
    [smb.smb1, "of SMB1, not looked into"],
    [pending, "answered as pending first"],
    [cancels, "cancels"],
    [notifications, "oplock or lease breaks"],
    [smb.unmatched_responses, "answers whose request the capture has not"],
  ];
  const parts = further.filter(([count]) => count > 0).map(([count, text]) => `${count} ${text}`);
  return [[`${messages}`, ...parts, `at most ${most} in flight`].join("; ")];
}
