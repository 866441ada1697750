import { commandName } from "../../smb/commands.ts";
import { statusName } from "../../smb/status.ts";
import type { StatusCount } from "../exchanges.ts";
import { type CommandReport, commandReports, round, timeText } from "../report.ts";
import type { Choice, Offer } from "./negotiate.ts";
import { type NtlmVersion, versionText } from "./ntlmssp.ts";
import type { SmbConversation, SmbSession, SmbTree } from "./smb-conversation.ts";

export interface VersionReport extends NtlmVersion {
  readonly text: string;
}

export interface SessionReport {
  readonly id: string;
  readonly status?: string;
  readonly mechanisms: readonly string[];
  readonly user?: string;
  readonly domain?: string;
  readonly workstation?: string;
  readonly anonymous?: true;
  readonly client_version?: VersionReport;
  readonly server_version?: VersionReport;
  readonly server?: Readonly<Record<string, string>>;
  /** Messages to the server and to the client that are encrypted, and of these how many were decrypted. */
  readonly encrypted?: { readonly to_server: number; readonly to_client: number; readonly decrypted: number };
}

export interface TreeReport {
  readonly path: string;
  readonly session: string;
  readonly status?: string;
  readonly id?: string;
  readonly kind?: string;
  readonly encrypted?: boolean;
}

export interface SmbReport {
  readonly messages: number;
  readonly offer?: Offer;
  readonly choice?: Omit<Choice, "serverTimeUs"> & { readonly serverTime?: string };
  /** By how much the server's clock was ahead of the capture's. */
  readonly skew_ms?: number;
  /** It may be as much more or less. */
  readonly skew_error_ms?: number;
  readonly sessions: readonly SessionReport[];
  readonly trees: readonly TreeReport[];
  readonly unlisted: number;
  readonly commands: readonly CommandReport[];
  readonly statuses: readonly Readonly<StatusCount>[];
  readonly pending: number;
  readonly cancels: number;
  readonly notifications: number;
  readonly compounds: number;
  readonly signed: number;
  readonly encrypted: { readonly messages: number; readonly bytes: number; readonly decrypted: number };
  readonly compressed: number;
  readonly smb1: number;
  readonly unmatched_responses: number;
  readonly most_in_flight: number;
  readonly unanswered: Unanswered;
}

export interface Unanswered {
  readonly count: number;
  readonly forgotten: number;
  readonly oldest?: { readonly name: string; readonly age_us: number };
}

export function smbReport(smb: SmbConversation, lastUs: number): SmbReport {
  const { offer, choice, skew, opaque } = smb;
  return {
    messages: smb.messages,
    ...(offer === undefined ? {} : { offer }),
    ...(choice === undefined ? {} : { choice: choiceReport(choice) }),
    ...(skew === undefined
      ? {}
      : { skew_ms: Math.round(skew.us) / 1000, skew_error_ms: Math.round(skew.errorUs) / 1000 }),
    sessions: [...smb.sessions.values()].map(sessionReport),
    trees: smb.trees.map(treeReport),
    unlisted: smb.unlisted,
    commands: commandReports(smb.commands),
    statuses: smb.statuses.list(),
    pending: smb.pending,
    cancels: smb.cancels,
    notifications: smb.notifications,
    compounds: smb.compounds,
    signed: smb.signed,
    encrypted: { ...opaque.encrypted, decrypted: smb.decrypted },
    compressed: opaque.compressed.messages,
    smb1: opaque.smb1.messages,
    unmatched_responses: smb.unmatched,
    most_in_flight: smb.outstanding.most,
    unanswered: unansweredOf(
      smb.outstanding.forgotten,
      [...smb.outstanding.values()].map(({ command, timeUs }) => ({ name: commandName(command), timeUs })),
      lastUs,
    ),
  };
}

export function unansweredOf(
  forgotten: number,
  open: readonly { readonly name: string; readonly timeUs: number }[],
  lastUs: number,
): Unanswered {
  const [oldest] = [...open].sort((left, right) => left.timeUs - right.timeUs);
  return {
    count: open.length,
    forgotten,
    ...(oldest === undefined ? {} : { oldest: { name: oldest.name, age_us: round(lastUs - oldest.timeUs) } }),
  };
}

function choiceReport({ serverTimeUs, ...choice }: Choice): Omit<Choice, "serverTimeUs"> & { serverTime?: string } {
  return { ...choice, ...(serverTimeUs === undefined ? {} : { serverTime: timeText(serverTimeUs) }) };
}

function sessionReport(session: SmbSession): SessionReport {
  const { id, status, mechanisms, negotiate, challenge, authenticate, encrypted, decrypted } = session;
  const [toServer, toClient] = [encrypted[0] + decrypted[0], encrypted[1] + decrypted[1]];
  const client = authenticate?.version ?? negotiate?.version;
  return {
    id,
    ...(status === undefined ? {} : { status: statusName(status) }),
    mechanisms,
    ...optional("user", authenticate?.user),
    ...optional("domain", authenticate?.domain),
    ...optional("workstation", authenticate?.workstation),
    ...(authenticate?.anonymous === true ? { anonymous: true } : {}),
    ...(client === undefined ? {} : { client_version: { ...client, text: versionText(client, "client") } }),
    ...(challenge?.version === undefined
      ? {}
      : { server_version: { ...challenge.version, text: versionText(challenge.version, "server") } }),
    ...(challenge === undefined ? {} : { server: serverNames(challenge) }),
    ...(toServer + toClient === 0
      ? {}
      : { encrypted: { to_server: toServer, to_client: toClient, decrypted: decrypted[0] + decrypted[1] } }),
  };
}

function serverNames(challenge: NonNullable<SmbSession["challenge"]>): Readonly<Record<string, string>> {
  const { target, netbiosName, netbiosDomain, dnsName, dnsDomain, dnsForest } = challenge;
  return {
    ...optional("target", target),
    ...optional("netbios_name", netbiosName),
    ...optional("netbios_domain", netbiosDomain),
    ...optional("dns_name", dnsName),
    ...optional("dns_domain", dnsDomain),
    ...optional("dns_forest", dnsForest),
  };
}

function treeReport({ path, session, status, id, kind, encrypted }: SmbTree): TreeReport {
  return {
    path,
    session,
    ...(status === undefined ? {} : { status: statusName(status) }),
    ...(id === undefined ? {} : { id: `0x${id.toString(16)}` }),
    ...optional("kind", kind),
    ...(encrypted === undefined ? {} : { encrypted }),
  };
}

function optional<Name extends string>(name: Name, value: string | undefined): { [key in Name]?: string } {
  return (value === undefined ? {} : { [name]: value }) as { [key in Name]?: string };
}
