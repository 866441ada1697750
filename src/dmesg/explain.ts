// A line of the kernel's log that concerns the SMB or the NFS client, with what it means.
import { nfsMeanings } from "../nfs/kernel-meanings.ts";
import { nfsKernelMessage } from "../nfs/kernel-messages.ts";
import { smbMeanings } from "../smb/kernel-meanings.ts";
import { smbKernelMessage } from "../smb/kernel-messages.ts";
import { statusErrno, statusHex, statusName } from "../smb/status.ts";
import { statusWords } from "../smb/status-words.ts";
import { errnoName } from "../system/errno.ts";
import { errnoWords } from "../system/errno-words.ts";
import type { MessageFacts } from "../system/kernel-message.ts";

export interface Explained extends MessageFacts {
  /** What it means, in a sentence or two. */
  readonly meaning: string;
  /** `EACCES (13): refused: ...` */
  readonly errno_text?: string;
  /** `STATUS_LOGON_FAILURE (0xc000006d): ...` */
  readonly status_text?: string;
}

/** Undefined for what is not of these clients. */
export function explain(text: string): Explained | undefined {
  const facts = smbKernelMessage(text) ?? nfsKernelMessage(text);
  if (facts === undefined) return undefined;
  const { errno, status } = facts;
  return {
    ...facts,
    meaning: (facts.protocol === "smb" ? smbMeanings : nfsMeanings)[facts.id] ?? "",
    ...(errno === undefined ? {} : { errno_text: errnoText(errno) }),
    ...(status === undefined ? {} : { status_text: statusText(status) }),
  };
}

function errnoText(errno: number): string {
  const name = errnoName(errno);
  const words = errnoWords(name);
  return `${name} (${errno})${words === undefined ? "" : `: ${words}`}`;
}

function statusText(status: number): string {
  const name = statusName(status);
  const words = statusWords(name);
  const errno = statusErrno(status);
  return `${name}${name === statusHex(status) ? "" : ` (${statusHex(status)})`}${words === undefined ? "" : `: ${words}`}; programs see ${errno === 0 ? "no error" : errnoName(errno)}`;
}
