import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { TestContext } from "node:test";
import { contextTag, derTags, writeDer, writeNumber, writeTime } from "../../kerberos/der.ts";
import { makeCcache } from "../../kerberos/fixture.ts";
import { krbErrors } from "../../kerberos/krb5-messages.ts";
import type { Argv, Run, RunResult } from "../../system/process.ts";
import type { Answer } from "../answer.ts";
import { type Machine, thisMachine } from "../machine.ts";
import { realNetwork } from "../network/network.ts";
import type { KdcAnswer, KdcWire } from "./kdc-wire.ts";
import { examineKerberos } from "./kerberos.ts";
import { type KerberosWords, kerberosRequests } from "./subjects.ts";

// For tests: a client that is a directory and programs that are functions. All is well with it until a test changes something.

export const REALM = "LAB.TEST";
/** 2026-11-22 13:00:00 UTC */
export const nowS = Date.UTC(2026, 10, 22, 13) / 1000;

/** Of a realm with one KDC; `more` stands in [libdefaults]. */
export const krb5Conf = (more = ""): string =>
  `[libdefaults]\n default_realm = ${REALM}\n dns_lookup_kdc = false\n${more}\n[realms]\n ${REALM} = {\n  kdc = 127.0.0.1\n }\n[domain_realm]\n .lab.test = ${REALM}\n`;

const files: Readonly<Record<string, string>> = {
  "etc/passwd": "root:x:0:0:root:/root:/bin/sh\nalice:x:1000:1000::/home/alice:/bin/sh\nbob:x:4242:4242::/:/bin/sh\n",
  "etc/request-key.conf":
    "create  dns_resolver *\t*\t/sbin/key.dns_resolver %k\nnegate\t*\t*\t*\t/bin/keyctl negate %k 30 %S\n",
  "etc/request-key.d/cifs.spnego.conf": "create  cifs.spnego    * * /usr/sbin/cifs.upcall %k\n",
  "etc/krb5.conf": krb5Conf(),
  "proc/self/mountinfo": "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n",
  "proc/keys": "",
};
const programs = ["usr/sbin/cifs.upcall", "sbin/request-key", "sbin/key.dns_resolver"];

/** A KRB-ERROR of a KDC whose clock is `aheadS` ahead. */
export function krbError(code: number, aheadS = 0): KdcAnswer {
  const fields = [
    writeDer(contextTag(4), writeTime((nowS + aheadS) * 1000)),
    writeDer(contextTag(6), writeNumber(code)),
  ];
  return { state: "answer", bytes: writeDer(0x7e, writeDer(derTags.sequence, ...fields)), tookMs: 1 };
}

export const refused: KdcAnswer = { state: "failed", code: "ECONNREFUSED" };

export interface Client {
  readonly machine: Machine;
  readonly wire: KdcWire;
  /** What the KDC answers to a question that holds these bytes; default: it asks for the password. */
  kdc: (address: string, by: "udp" | "tcp", request: Buffer) => KdcAnswer;
  /** What DNS says; undefined: it does not answer. */
  records: Readonly<Record<string, readonly { readonly host: string; readonly port: number }[]>> | undefined;
  /** By name, what getaddrinfo(3) says; the rest does not resolve. */
  names: Readonly<Record<string, string>>;
  /** Below the root: `etc/krb5.conf`. Undefined: there is none any more. */
  write(path: string, text: string | Buffer | undefined, mode?: number): void;
  examine(words?: Partial<KerberosWords>): Promise<Answer>;
}

/** A client; `run` answers for programs, undefined for one that is not installed. */
export function client(t: TestContext, run: (argv: Argv) => Partial<RunResult> | undefined = () => undefined): Client {
  const root = mkdtempSync(join(tmpdir(), "aod-kerberos-"));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  const write: Client["write"] = (path, text, mode = 0o644) => {
    const file = join(root, path);
    mkdirSync(dirname(file), { recursive: true });
    rmSync(file, { force: true });
    if (text === undefined) return;
    writeFileSync(file, text);
    chmodSync(file, mode);
  };
  for (const [path, text] of Object.entries(files)) write(path, text);
  for (const path of programs) write(path, "", 0o755);
  const inRoot = (word: string): string => (word.startsWith(`${root}/`) ? word.slice(root.length) : word);
  const fake: Run = async ([program, ...args]) => {
    const argv: Argv = [inRoot(program), ...args];
    const said = run(argv) ?? (argv[0].endsWith("cifs.upcall") ? { stdout: Buffer.from("version: 7.0\n") } : undefined);
    return {
      ...nothing,
      ...(said === undefined
        ? { status: "missing", reason: `${program} is not installed` }
        : { status: "ok", code: 0, ...said }),
    };
  };
  const machine: Machine = {
    ...thisMachine(),
    procRoot: join(root, "proc"),
    sysRoot: join(root, "sys"),
    fsRoot: root,
    run: fake,
    clock: { nowNs: () => 1000e9, wallMs: () => nowS * 1000 },
    network: {
      ...realNetwork,
      addresses: async (name) => {
        const address = here.names[name];
        if (address === undefined) throw new Error("getaddrinfo ENOTFOUND");
        return [address];
      },
    },
  };
  const wire: KdcWire = {
    services: async (name) => {
      if (here.records === undefined) throw new Error("ETIMEOUT");
      return here.records[name] ?? [];
    },
    udp: async (address, _port, request) => here.kdc(address, "udp", request),
    tcp: async (address, _port, request) => here.kdc(address, "tcp", request),
  };
  const here: Client = {
    machine,
    wire,
    kdc: () => krbError(krbErrors.preauthRequired),
    records: {},
    names: {},
    write,
    async examine(words = {}) {
      const asked = { about: "//files.lab.test/data", uid: 0, cwd: "/", ...words };
      const [request, ...more] = await kerberosRequests(machine, asked, new AbortController().signal);
      if (request === undefined || more.length > 0) throw new Error(`${more.length + 1} subjects`);
      return examineKerberos(machine, request, undefined, wire);
    },
  };
  return here;
}

const nothing: RunResult = {
  status: "failed",
  code: null,
  stdout: Buffer.alloc(0),
  stderr: "",
  truncated: false,
  tookMs: 1,
};

/** Tickets and caches of alice, who asks for files.lab.test. */
export const tgt = (end = nowS + 3600, renewUntil = 0) => ({ service: `krbtgt/${REALM}@${REALM}`, end, renewUntil });
export const cifs = (end = nowS + 3600) => ({ service: `cifs/files.lab.test@${REALM}`, end });
export const cache = (...tickets: Parameters<typeof makeCcache>[1]) => makeCcache(`alice@${REALM}`, tickets);
/** Where root's cache is. */
export const root = "tmp/krb5cc_0";

/** kvno that says this and fails. */
export const kvno =
  (said: string): Parameters<typeof client>[1] =>
  ([program]) =>
    program === "kvno"
      ? { status: "failed", code: 1, stderr: `kvno: ${said} while getting credentials for x\n` }
      : undefined;
