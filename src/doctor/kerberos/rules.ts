import { basename } from "node:path";
import { type RequestKeyFile, type RuleChoice, ruleFor } from "../../system/request-key.ts";
import type { Finding, Verdict } from "../answer.ts";
import type { Check } from "../examine.ts";
import type { KerberosCase } from "./case.ts";
import { LocalFiles } from "./local-files.ts";

const fallbackFile = "/etc/request-key.conf";
const directory = "/etc/request-key.d";

/** What the kernel asks for, whose rule this is, and what fails without it. */
const requests = [
  {
    type: "cifs.spnego",
    program: "/usr/sbin/cifs.upcall",
    package: "cifs-utils",
    without: "the kernel gets no ticket: mount error(126), Required key not available",
    needed: true,
  },
  {
    type: "dns_resolver",
    program: "/sbin/key.dns_resolver",
    package: "keyutils",
    without: "the kernel resolves no names: DFS targets and servers that got a new address are not found",
    needed: false,
  },
] as const;

/** The rules of request-key.conf and request-key.d that lead from the kernel's question to a program. */
export const rules: Check<KerberosCase> = {
  name: "request-key",
  limitMs: 5000,
  async run(of, signal) {
    if (of.subject.protocol === "nfs") return [];
    const files = new LocalFiles(of.machine.fsRoot, of.mounts, signal);
    const texts = await ruleFiles(files);
    const told: Finding[] = [];
    for (const request of requests) {
      const description =
        request.type === "cifs.spnego" ? spnegoDescription(of) : (of.subject.host ?? "server.example");
      const choice = ruleFor(texts, { operation: "create", type: request.type, description, callout: "" });
      if (request.needed && choice.is === "rule") of.rule = choice.rule;
      told.push(await judge(choice, request, files, texts.length > 0 ? texts.map(({ path }) => path) : []));
    }
    for (const lack of files.lacks) told.push({ result: "warn", evidence: lack });
    return told;
  },
};

async function ruleFiles(files: LocalFiles): Promise<readonly RequestKeyFile[]> {
  // request-key takes plain files alone, no links.
  const names = (await files.names(directory, true)) ?? [];
  const paths = names
    .filter((name) => !name.startsWith(".") && name.endsWith(".conf"))
    .map((name) => `${directory}/${name}`);
  const found: RequestKeyFile[] = [];
  for (const path of [...paths, fallbackFile]) {
    const text = await files.text(path);
    if (text !== undefined) found.push({ path, text });
  }
  return found;
}

/** As cifs_get_spnego_key() writes it (fs/smb/client/cifs_spnego.c). */
function spnegoDescription({ subject, user }: KerberosCase): string {
  const uid = user.uid.toString(16);
  return `ver=0x2;host=${subject.host ?? "server.example"};ip4=192.0.2.1;sec=krb5;uid=0x0;creduid=0x${uid};pid=0x1`;
}

type Request = (typeof requests)[number];

async function judge(
  choice: RuleChoice,
  request: Request,
  files: LocalFiles,
  read: readonly string[],
): Promise<Finding> {
  const line = `create ${request.type} * * ${request.program} %k`;
  const failed = (evidence: string, summary: string, fix: string): Finding => ({
    result: request.needed ? "fail" : "warn",
    evidence,
    meaning: request.without,
    fix,
    ...(request.needed && { verdict: missing(summary, fix) }),
  });
  if (choice.is === "none") {
    const seen =
      read.length === 0 ? `neither ${fallbackFile} nor ${directory}/*.conf is there` : `no rule in ${read.join(", ")}`;
    return failed(
      `${request.type}: ${seen}`,
      `no rule of request-key leads from ${request.type} to ${basename(request.program)}`,
      `install ${request.package}, or write the line \`${line}\` into ${directory}/${request.type}.conf`,
    );
  }
  if (choice.is === "broken")
    return failed(
      `${request.type}: ${choice.where}: ${choice.why}`,
      `request-key stops at ${choice.where}, since ${choice.why}`,
      `mend ${choice.where}: OPERATION TYPE DESCRIPTION CALLOUT PROGRAM ARGUMENTS`,
    );
  const { where, argv, piped } = choice.rule;
  const rule = `${request.type}: ${where}: ${piped ? "|" : ""}${argv.join(" ")}`;
  const state = argv[0].startsWith("/") ? await files.program(argv[0]) : "not absolute";
  if (state === "not looked at") return { result: "warn", evidence: `${rule}: ${argv[0]} is not looked at` };
  if (state !== "runnable")
    return failed(
      `${rule}: ${state === "not absolute" ? "its program has no absolute path" : `${argv[0]} is ${state}`}`,
      `${where} names ${argv[0]}, which is ${state}`,
      state === "not executable"
        ? `chmod 0755 ${argv[0]}`
        : `install ${request.package}, or let ${where} name where the program is`,
    );
  if (!piped && !argv.slice(1).includes("%k"))
    return failed(
      `${rule}: %k is not among its arguments`,
      `${where} does not hand the key (%k) to its program`,
      `write \`${line}\``,
    );
  return { result: "ok", evidence: rule };
}

const missing = (summary: string, advice: string): Verdict => ({
  cause: "auth.upcall-missing",
  confidence: "certain",
  summary,
  advice: [advice],
});
