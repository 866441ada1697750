// What the NFS client, the RPC layer and lockd write into the kernel's log: fs/nfs, fs/lockd, net/sunrpc, 5.10 to 7.2. What is said of a failed upcall
// to rpc.gssd and of mount options is for debugging only and never comes here.
import { applyMessageRules, type MessageFacts, type MessageRule } from "../system/kernel-message.ts";

const rules: readonly MessageRule[] = [
  ["nfs.not-responding", "trouble", /^\S+: server (?<server>\S+) not responding, still trying/],
  ["nfs.timed-out", "trouble", /^\S+: server (?<server>\S+) not responding, timed out/],
  ["nfs.ok", "recovered", /^\S+: server (?<server>\S+) OK$/],
  ["nfs.auth-too-weak", "trouble", /^RPC: server (?<server>\S+) requires stronger authentication/],
  ["nfs.rpc-error", "trouble", /^\S+: RPC call returned error (?<errno>-?\d+)/],
  ["nfs.transport-limit", "notice", /^SUNRPC: reached max allowed number \((?<count>\d+)\).*to server: (?<server>\S+)/],
  ["nfs.trunking-failed", "notice", /^rpc_clnt_test_xprt failed: (?<errno>-?\d+) addr (?<server>\S+) not added/],
  ["nfs.connect-error", "trouble", /^\S+: connect returned unhandled error (?<errno>-?\d+)/],
  [
    "nfs.state-manager-failed",
    "trouble",
    /^NFS: state manager.* failed on NFSv4 server (?<server>\S+) with error (?<errno>-?\d+)/,
  ],
  ["nfs.state-lost", "trouble", /^NFSv4: state recovery failed for open file .*, error = (?<errno>-?\d+)/],
  ["nfs.locks-lost", "trouble", /^NFS: (?<server>\S+): lost (?<count>\d+) locks/],
  ["nfs.client-id-in-use", "trouble", /^NFS: Server (?<server>\S+) reports our clientid is in use/],
  ["nfs.state-manager-failed", "trouble", /^NFS: \S+ unhandled error (?<errno>-?\d+)\. Exiting with error EIO/],
  ["nfs.migration-failed", "trouble", /^NFS: migration recovery failed \(server (?<server>\S+)\)/],
  ["nfs.bad-sequence-id", "trouble", /^NFS: v4 server (?<server>\S+)\s+returned a bad sequence-id error!/],
  ["nfs.bad-sequence-id", "trouble", /^NFS: v4 server returned a bad sequence-id error on an unconfirmed/],
  ["nfs.id-mapper", "notice", /^NFS: v4 server (?<server>\S+) does not accept raw uid\/gids/],
  ["nfs.server-bug", "notice", /^NFS: Broken NFSv4 server (?<server>\S+) is returning a delegation/],
  ["nfs.server-bug", "notice", /^NFSv4: server (?<server>\S+) is incorrectly applying open mode checks/],
  ["nfs.fileid-changed", "trouble", /^NFS: server (?<server>\S+) error: fileid changed/],
  ["nfs.server-bug", "trouble", /^NFS: Server wrote zero bytes, expected (?<count>\d+)/],
  ["nfs.server-bug", "trouble", /^NFS: server cheating in read reply/],
  ["nfs.volatile-handles", "trouble", /^NFS: volatile file handles not supported \(server (?<server>\S+)\)/],
  ["nfs.trunking", "notice", /^NFS:\s+(?<server>\S+): Session trunking succeeded for/],
  ["nfs.trunking-failed", "notice", /^NFS:\s+(?<server>\S+): Session trunking failed for/],
  ["nfs.callback-overflow", "trouble", /^Callback slot table overflowed/],
  ["nfs.callback-credentials", "trouble", /^NFS: NFSv4 callback contains invalid cred/],
  ["nfs.pnfs", "trouble", /^pNFS: no device found for volume/],
  ["nfs.pnfs", "trouble", /^NFS: Too big fh \d+ received \d+/],
  ["nfs.no-pipefs", "trouble", /^RPC: pipefs directory doesn't exist/],
  ["nfs.lock-not-reclaimed", "trouble", /^lockd: failed to reclaim lock for pid/],
  ["nfs.unlock-status", "trouble", /^lockd: unexpected unlock status: (?<count>\d+)/],
  ["nfs.root-attributes", "trouble", /^NFS: Couldn't getattr on root/],
  ["nfs.cache-collision", "notice", /^NFS: Cache volume key already in use/],
];

/** Every id of the catalogue, once. */
export const nfsMessageIds: readonly string[] = [...new Set(rules.map(([id]) => id))];

/** What is said when the modules are loaded. */
const usual = /^(?:RPC: Registered |NFS: Registering |NFS4?: .*[Rr]egister)/;
const mine =
  /^(?:(?:nfs|lockd|nlm|NFSv?[0-9]?|RPC|SUNRPC|pNFS): |rpc_clnt_test_xprt|Callback slot table|\S+: (?:RPC call returned error|connect returned unhandled error) )/;

/** A refusal by SELinux or AppArmor, which the kernel writes itself when no auditd runs. */
const denied: readonly MessageRule[] = [["nfs.upcall-denied", "trouble", /avc: +denied|apparmor="DENIED"/]];

/** Undefined for what is not the NFS client's, and for what its modules say when they are loaded. Never throws. */
export function nfsKernelMessage(text: string): MessageFacts | undefined {
  if (/^audit: .*\bcomm="(?:rpc\.gssd|nfsidmap)"/.test(text)) return applyMessageRules(denied, "nfs", text, text);
  if (!mine.test(text) || usual.test(text)) return undefined;
  return applyMessageRules(rules, "nfs", text, text);
}
