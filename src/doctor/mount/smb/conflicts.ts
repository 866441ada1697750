import type { Finding } from "../../answer.ts";
import type { MountOptions } from "../options.ts";
import type { Intent } from "./intent.ts";

interface Conflict {
  readonly when: (options: MountOptions, intent: Intent) => boolean;
  readonly evidence: string;
  readonly meaning: string;
  readonly fix: string;
  /** The kernel refuses the mount. */
  readonly fatal?: true;
}

const old = ({ dialects }: Intent): boolean => !dialects.some((dialect) => dialect.startsWith("3"));

/** Options that do not go together: fs/smb/client/fs_context.c, and what comes of them where the kernel says nothing. */
const known: readonly Conflict[] = [
  {
    when: (options, { security }) =>
      security === "krb5" && (options.has("password") || options.has("pass") || options.has("credentials")),
    evidence: "sec=krb5 and a password",
    meaning: "Kerberos takes the ticket of cruid=, or of who mounts: the password is not used",
    fix: "leave the password out, or sec=krb5",
  },
  {
    when: (options, { security }) => options.has("multiuser") && security !== "krb5",
    evidence: "multiuser without Kerberos",
    meaning: "each user needs credentials in the kernel's keyring, or gets error 13",
    fix: "cifscreds add SERVER for each user, or sec=krb5",
  },
  {
    when: (options) => options.has("multiuser") && options.value("upcall_target") === "mount",
    evidence: "multiuser and upcall_target=mount",
    meaning: "the kernel refuses both together, error 22",
    fix: "leave one of both out",
    fatal: true,
  },
  {
    when: (options) =>
      (options.isOn("forceuid") && !options.has("uid")) || (options.isOn("forcegid") && !options.has("gid")),
    evidence: "forceuid without uid=, or forcegid without gid=",
    meaning: "the kernel ignores it",
    fix: "name the owner: uid=, gid=",
  },
  {
    when: (options) =>
      options.has("persistenthandles") && (options.has("nopersistenthandles") || options.has("resilienthandles")),
    evidence: "persistenthandles and nopersistenthandles or resilienthandles",
    meaning: "the kernel refuses both together, error 22",
    fix: "leave one of both out",
    fatal: true,
  },
  {
    when: (options, intent) => options.has("rdma") && old(intent),
    evidence: "rdma and an SMB before 3.0",
    meaning: "SMB Direct needs 3.0: the kernel refuses it, error 95",
    fix: "vers=3.0 or newer",
    fatal: true,
  },
  {
    when: (_, intent) => intent.multichannel && old(intent),
    evidence: "multichannel and an SMB before 3.0",
    meaning: "there will be one connection",
    fix: "vers=3.0 or newer",
  },
  {
    when: (options) => Number(options.value("max_channels")) > 16,
    evidence: "max_channels above 16",
    meaning: "the kernel takes 1 to 16, error 22",
    fix: "max_channels=16",
    fatal: true,
  },
  {
    when: (options, { guest }) =>
      guest && (options.has("user") || options.has("username") || options.has("credentials")),
    evidence: "guest and a user",
    meaning: "mount.cifs asks for no password then: the user logs in with none",
    fix: "leave guest out",
  },
  {
    when: (options) => options.has("soft") && options.has("hard"),
    evidence: "soft and hard",
    meaning: "the last of both counts",
    fix: "leave one of both out",
  },
  {
    when: (options) =>
      new Set(options.all.filter(({ name }) => name === "vers" || name === "ver").map(({ value }) => value)).size > 1,
    evidence: "vers= twice",
    meaning: "the last one counts",
    fix: "leave one of both out",
  },
  {
    when: (options, { vers }) => vers === "1.0" && options.has("seal"),
    evidence: "seal and vers=1.0",
    meaning: "SMB 1 has no encryption, error 95",
    fix: "vers=3.0 or newer",
    fatal: true,
  },
];

export function conflicts(options: MountOptions, intent: Intent): readonly Finding[] {
  return known
    .filter(({ when }) => when(options, intent))
    .map(({ evidence, meaning, fix, fatal }) => ({
      result: fatal === true ? ("fail" as const) : ("warn" as const),
      evidence,
      meaning,
      fix,
      ...(fatal === true && {
        verdict: {
          cause: "mount.option-unknown" as const,
          confidence: "certain" as const,
          summary: `${evidence}: ${meaning}`,
          advice: [fix],
        },
      }),
    }));
}
