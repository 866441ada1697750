import { join } from "node:path";
import { statusName } from "../../../smb/status.ts";
import { allDialects, type Dialect } from "../../../smb-client/negotiate.ts";
import type { Finding, Verdict } from "../../answer.ts";
import { isAzureFiles } from "../../azure-files.ts";
import type { Check } from "../../examine.ts";
import { lineOf } from "../../files.ts";
import type { SmbCase } from "./case.ts";
import { offered } from "./connection.ts";
import type { Attempt } from "./login.ts";

/** CIFSSEC_MAY_SIGN, CIFSSEC_MUST_SIGN: fs/smb/client/cifsglob.h. */
const MAY_SIGN = 0x1;
const MUST_SIGN = 0x1001;

/** Whether what the client asks for and what the server asks for go together: signing and encryption. */
export const security: Check<SmbCase> = {
  name: "security",
  limitMs: 30_000,
  async run(of, signal) {
    const agreed = of.server?.wanted;
    if (agreed === undefined) return [];
    const found = [await signing(of, signal), await encryption(of, signal), plainToAzure(of)];
    const findings = found.filter((one) => one !== undefined);
    return findings.length > 0
      ? findings
      : { result: "ok", evidence: `signing and encryption: nothing that does not go together` };
  },
};

const failed = (
  cause: Verdict["cause"],
  evidence: string,
  summary: string,
  errno: number,
  advice: readonly string[],
): Finding => ({
  result: "fail",
  evidence,
  meaning: `${summary}; mount says error ${errno}`,
  ...(advice[0] !== undefined && { fix: advice[0] }),
  verdict: { cause, confidence: "certain", summary, advice },
});

async function signing(of: SmbCase, signal: AbortSignal): Promise<Finding | undefined> {
  const { intent, machine, server } = of;
  const text = await lineOf(join(machine.procRoot, "fs/cifs/SecurityFlags"), signal);
  const flags = text === undefined ? undefined : Number.parseInt(text, 16);
  const must = intent.sign || (flags !== undefined && (flags & MUST_SIGN) === MUST_SIGN);
  const may = must || flags === undefined || (flags & MAY_SIGN) !== 0;
  if (server?.wanted?.signing === "required" && !may)
    return failed(
      "mount.signing-mismatch",
      `the server requires signing; /proc/fs/cifs/SecurityFlags is ${text}, without the bit 0x1 that allows it`,
      "the server requires signing, and this machine's SecurityFlags forbid it",
      95,
      [
        "allow it: echo 0x85 > /proc/fs/cifs/SecurityFlags, and look who sets it otherwise",
        "or mount with the option sign",
      ],
    );
  if (must && server?.wanted?.signing === "disabled")
    return failed(
      "mount.signing-mismatch",
      "the options require signing; the server has it switched off",
      "the client requires signing, and the server does not sign",
      95,
      ["switch signing on at the server", "or leave sign out"],
    );
  return undefined;
}

async function encryption(of: SmbCase, signal: AbortSignal): Promise<Finding | undefined> {
  const { intent, server, machine } = of;
  const agreed = server?.wanted;
  if (agreed === undefined) return undefined;
  const only256 = await lineOf(join(machine.sysRoot, "module/cifs/parameters/require_gcm_256"), signal);
  if (only256 === "Y" && agreed.dialect === "3.1.1") {
    const strong = await offered(of, { dialects: ["3.1.1"], ciphers: [4] }, signal);
    if (strong.state !== "agreed" || !strong.choice.ciphers.includes("AES-256-GCM"))
      return failed(
        "mount.encryption-mismatch",
        "require_gcm_256 of the cifs module is Y; the server has no AES-256-GCM",
        "this machine takes AES-256-GCM alone, and the server does not have it",
        95,
        ["echo N > /sys/module/cifs/parameters/require_gcm_256", "or switch AES-256-GCM on at the server"],
      );
  }
  if (!intent.seal || can(of)) return undefined;
  const old = !agreed.dialect.startsWith("3");
  return failed(
    "mount.encryption-mismatch",
    `seal; SMB ${agreed.dialect}${old ? ", which has no encryption" : " without encryption"}`,
    old
      ? `seal asks for encryption, and SMB ${agreed.dialect} has none`
      : "seal asks for encryption, and the server does not offer it",
    95,
    [
      ...(old
        ? ["mount with vers=3.0 or newer, or without vers="]
        : ["switch encryption on at the server (Samba: server smb encrypt = desired)"]),
      "or leave seal out",
    ],
  );
}

/** Azure Files without encryption: whether it takes that depends on an option of the account, and on where the client is. */
function plainToAzure(of: SmbCase): Finding | undefined {
  if (!isAzureFiles(of.target.host) || can(of)) return undefined;
  return {
    result: "warn",
    evidence: `SMB ${of.server?.wanted?.dialect ?? ""} without encryption, to ${of.target.host}`,
    meaning:
      'a storage account with "Secure transfer required" (the default) refuses it, error 13; one without takes it from clients in its own Azure region alone, and everybody on the way can read it',
    fix: "mount with vers=3.1.1, or without vers=",
  };
}

/** Whether what was agreed on can be encrypted. */
function can({ server }: SmbCase): boolean {
  const agreed = server?.wanted;
  if (agreed === undefined) return false;
  return agreed.dialect === "3.1.1"
    ? agreed.ciphers.length > 0
    : agreed.dialect.startsWith("3") && agreed.capabilities.includes("encryption");
}

/** A share that is to be encrypted, on a connection that cannot be. */
export function encryptionFinding(of: SmbCase, wanted: boolean): Finding | undefined {
  if (!wanted || can(of)) return undefined;
  const dialect = of.server?.wanted?.dialect ?? "";
  return required(of, `the share asks for encryption; SMB ${dialect} has none`);
}

const required = (of: SmbCase, evidence: string): Finding =>
  failed(
    "mount.encryption-mismatch",
    evidence,
    `the server requires encryption, and SMB ${of.server?.wanted?.dialect ?? ""}, which the options ask for, has none`,
    13,
    ["mount with vers=3.1.1, or without vers="],
  );

/**
 * A server that requires encryption says to an old dialect only that access is denied. What it says to the new ones tells whether that was why.
 */
export async function encryptionAsked(
  of: SmbCase,
  tried: Attempt,
  again: (dialects: readonly Dialect[]) => Promise<Attempt | undefined>,
): Promise<Finding | undefined> {
  const dialect = of.server?.wanted?.dialect ?? "";
  const refused = [tried.login, tried.tree, tried.directory].find(
    (one) => one !== undefined && "status" in one && statusName(one.status) === "STATUS_ACCESS_DENIED",
  );
  if (refused === undefined || dialect.startsWith("3") || of.server?.best.dialect === dialect) return undefined;
  const best = await again(allDialects);
  if (best?.login.state !== "in") return undefined;
  const encrypts = best.login.session.encrypts || (best.tree?.state === "connected" && best.tree.tree.encrypts);
  if (!encrypts) return undefined;
  return required(
    of,
    `SMB ${dialect}: STATUS_ACCESS_DENIED; SMB ${of.server?.best.dialect}: let in, and asked to encrypt`,
  );
}
