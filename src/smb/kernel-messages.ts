// What the SMB client writes into the kernel's log: fs/smb/client (fs/cifs before 6.1), 5.10 to 7.2. Most of it is limited to 10 lines in 5 s per
// place in the source, or said once since the boot: that something is not there proves nothing.
import { applyMessageRules, type MessageFacts, type MessageRule } from "../system/kernel-message.ts";

const rules: readonly MessageRule[] = [
  // connection
  ["smb.not-responding", "trouble", /^has not responded in (?<count>\d+) seconds\. Reconnecting/],
  ["smb.request-timeouts", "trouble", /^Number of request timeouts exceeded (?<count>\d+)\. Reconnecting/],
  ["smb.send-stuck", "trouble", /^sends on sock \S+ stuck for (?<count>\d+) seconds/],
  ["smb.send-failed", "trouble", /^Error (?<errno>-?\d+) sending data on socket to server/],
  ["smb.send-nothing", "trouble", /^tcp sent no data/],
  ["smb.connect-failed", "trouble", /^Error connecting to socket\. Aborting operation/],
  ["smb.socket-failed", "trouble", /^Error (?<errno>-?\d+) creating socket/],
  ["smb.bind-failed", "trouble", /^Failed to bind to: (?<server>\S+), error: (?<errno>-?\d+)/],
  ["smb.no-address", "trouble", /^Unable to determine destination address/],
  ["smb.unknown-frame", "trouble", /^No task to wake, unknown frame received! NumMids (?<count>\d+)/],
  ["smb.frame-malformed", "trouble", /^SMB response too (?:long|short) \((?<count>\d+) bytes\)/],
  ["smb.frame-malformed", "trouble", /^RFC 1002 unknown response type/],
  ["smb.frame-malformed", "trouble", /^Received Request not response/],
  // credits
  ["smb.credit-timeout", "trouble", /^wait timed out after (?<count>\d+) ms/],
  ["smb.credits-exhausted", "trouble", /^disabling echoes and oplocks/],
  ["smb.credits-exhausted", "trouble", /^Possible client or server bug - zero credits/],
  ["smb.credits-overflow", "notice", /^server overflowed SMB3 credits/],
  // mount, session, tree
  ["smb.mounting", "notice", /^Attempting to mount (?<share>(?:\\\\|\/\/)\S+)/],
  ["smb.mount-failed", "trouble", /^cifs_mount failed w\/return code = (?<errno>-?\d+)/],
  ["smb.session-failed", "trouble", /^Send error in SessSetup = (?<errno>-?\d+)/],
  ["smb.session-failed", "trouble", /^failed to create a new SMB session with \S+: (?<errno>-?\d+)/],
  ["smb.status", "trouble", /^Status code returned 0x(?<status>[0-9a-f]{8})/],
  ["smb.no-credentials", "trouble", /^Verify user has a krb5 ticket and keyutils is installed/],
  ["smb.upcall-version", "trouble", /^bad cifs\.upcall version\. Expected \d+ got (?<count>-?\d+)/],
  ["smb.auth-type", "notice", /^unknown or missing server auth type, use krb5/],
  ["smb.short-session-key", "trouble", /^short GSS session key/],
  ["smb.guest-signing", "trouble", /^signing requested but authenticated as guest/],
  ["smb.anonymous", "trouble", /^Unexpected null user \(anonymous\) auth flag sent by server/],
  ["smb.share-not-found", "trouble", /^BAD_NETWORK_NAME: (?<share>\\\\\S+)/],
  ["smb.share-deleted", "trouble", /^server share (?<share>\\\\\S+) deleted/],
  ["smb.tree-failed", "trouble", /^reconnect tcon failed rc = (?<errno>-?\d+)/],
  // what was agreed on
  ["smb.dialect", "trouble", /^Dialect not supported by server/],
  ["smb.dialect", "trouble", /^(?:SMB2 dialect returned but not requested|Invalid dialect returned by server)/],
  ["smb.negotiate-contexts", "trouble", /^Missing expected negotiate contexts/],
  ["smb.validate-negotiate", "trouble", /^protocol revalidation - security settings mismatch/],
  ["smb.validate-negotiate", "trouble", /^validate protocol negotiate failed: (?<errno>-?\d+)/],
  ["smb.encryption", "trouble", /^Server does not support requested encryption type/],
  ["smb.encryption", "trouble", /^(?:Encryption is requested but not supported|Encryption is not supported on share)/],
  ["smb.encryption", "trouble", /^SMB3 or later required for encryption/],
  ["smb.decrypt-failed", "trouble", /^error decrypting rc=(?<errno>-?\d+)/],
  ["smb.signature", "trouble", /^SMB signature verification returned error = (?<errno>-?\d+)/],
  ["smb.signature", "trouble", /^sign fail cmd 0x[0-9a-f]+ message id/],
  ["smb.signing", "trouble", /^Server requires signing, but it's disabled in SecurityFlags/],
  ["smb.signing", "trouble", /^forced packet signing but server does not seem to support it/],
  // handles and requests
  ["smb.handle-orphan", "notice", /^Close unmatched open for MID:/],
  ["smb.handle-orphan", "notice", /^Close interrupted close/],
  ["smb.handle-leak", "trouble", /^Close cancelled mid failed rc:(?<errno>-?\d+)/],
  ["smb.handle-leak", "trouble", /^Serverclose failed (?<count>\d+) times, giving up/],
  ["smb.client-bug", "notice", /^trying to dequeue a deleted mid/],
  ["smb.client-bug", "notice", /^invalid mid state mid=/],
  // channels
  ["smb.no-multichannel", "notice", /^(?:no multichannel support|server \S+ does not support multichannel)/],
  ["smb.multichannel-lost", "trouble", /^does not support multichannel anymore/],
  ["smb.multichannel", "recovered", /^supports multichannel now/],
  ["smb.channel-failed", "trouble", /^failed to open extra channel on iface:\S+ rc=(?<errno>-?\d+)/],
  ["smb.channel-failed", "trouble", /^too many channel open attempts \((?<count>\d+) channels left to open\)/],
  ["smb.channel-opened", "recovered", /^successfully opened new channel on iface:/],
  ["smb.channel-race", "notice", /^unable to get chan index for server/],
  ["smb.interface-list", "notice", /^Empty network interface list returned by server/],
  ["smb.interface-list", "trouble", /^error (?<errno>-?\d+) on ioctl to get interface list/],
  // files
  ["smb.no-inode-numbers", "notice", /^Autodisabling the use of server inode numbers on (?<share>\\\\\S+)/],
  ["smb.writeback-failed", "trouble", /^No writable handle in writepages/],
  ["smb.disk-full", "trouble", /^Out of space writing to (?<share>\\\\\S+)/],
  ["smb.write-failed", "trouble", /^Send error in write = (?<errno>-?\d+)/],
  ["smb.read-only-share", "notice", /^mounted to read only share/],
  // the rest
  ["smb.dialect-old", "notice", /^Use of the less secure dialect vers=1\.0/],
  ["smb.dialect-default", "notice", /^No dialect specified on mount\. Default has changed/],
  ["smb.dfs-target", "notice", /^failed to match target ip/],
  ["smb.prefix-path", "notice", /^cannot query dirs between root and final path/],
  ["smb.witness", "trouble", /^Failed to register for witness notifications: (?<errno>-?\d+)/],
  ["smb.swap", "notice", /^Swap support over SMB3 is experimental/],
];

/** Every id of the catalogue, once. */
export const smbMessageIds: readonly string[] = [...new Set(rules.map(([id]) => id))];

/**
 * `CIFS: VFS: \\host text`, `CIFS: VFS: [\\host\share ]text`, `CIFS: text`. A message that begins with the name of a share (`\\host\share`) and goes on
 * with something else has it from the connection as well.
 */
const prefix = /^CIFS:? (?:VFS: )?(?:\[(?<tree>\\\\[^\s\]]+)\s*\]\s*|(?<host>\\\\\S+)\s+)?(?<rest>.*)$/s;

/** A refusal by SELinux or AppArmor, which the kernel writes itself when no auditd runs. */
const denied: readonly MessageRule[] = [["smb.upcall-denied", "trouble", /avc: +denied|apparmor="DENIED"/]];

/** Undefined for what is not the SMB client's. Never throws. */
export function smbKernelMessage(text: string): MessageFacts | undefined {
  if (/^audit: .*\bcomm="(?:cifs\.upcall|cifs\.idmap|request-key|key\.dns_resol)/.test(text))
    return applyMessageRules(denied, "smb", text, text);
  const { tree, host, rest } = prefix.exec(text)?.groups ?? {};
  if (rest === undefined) return undefined;
  return applyMessageRules(rules, "smb", text, rest, namesOf(tree ?? host));
}

function namesOf(unc: string | undefined): Pick<MessageFacts, "server" | "share"> {
  const [, server, share] = /^\\\\([^\\]+)(\\.+)?$/.exec(unc ?? "") ?? [];
  if (server === undefined) return {};
  return share === undefined ? { server } : { server, share: `\\\\${server}${share}` };
}
