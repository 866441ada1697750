import type { Severity } from "./detector.ts";

/** Ids of messages that say that NFSv4 state could not be recovered: the detector nfs-rpc tells them. */
export const stateMessages: ReadonlySet<string> = new Set([
  "nfs.state-manager-failed",
  "nfs.state-lost",
  "nfs.locks-lost",
  "nfs.client-id-in-use",
  "nfs.migration-failed",
  "nfs.lock-not-reclaimed",
]);

/**
 * By kind, and by id where that differs. Information: what a cancelled program, a server without some feature or an expired session that is set up
 * again leaves in the log of a healthy host.
 */
export const defaultSeverities: Readonly<Record<string, Severity | "off">> = {
  trouble: "warning",
  notice: "off",
  recovered: "off",
  "smb.not-responding": "critical",
  "smb.writeback-failed": "critical",
  "nfs.not-responding": "critical",
  "smb.status": "info",
  "smb.unknown-frame": "info",
  "smb.send-nothing": "info",
  "smb.interface-list": "info",
  "smb.short-session-key": "info",
  "smb.witness": "info",
  "nfs.unlock-status": "info",
  "nfs.callback-credentials": "info",
};
