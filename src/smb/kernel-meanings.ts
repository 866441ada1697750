// What the SMB client's kernel messages mean, for people: by id of kernel-messages.ts.

export const smbMeanings: Readonly<Record<string, string>> = {
  "smb.not-responding":
    "The server sent nothing for that long, not even an answer to an echo. The client gives the connection up and makes a new one; what was under way is sent again or fails.",
  "smb.request-timeouts": "So many requests in a row had no answer in time: the client makes the connection anew.",
  "smb.send-stuck":
    "The socket took no data for that long: the network is gone, or the server does not read. The request fails.",
  "smb.send-failed": "A request could not be given to the socket; the connection is made anew.",
  "smb.send-nothing": "The socket took nothing: its memory is full, or the connection is going away.",
  "smb.connect-failed": "No TCP connection to the server: nobody listens on the port, a firewall, or no route.",
  "smb.socket-failed": "The client could not make a socket: memory, or a limit of the network namespace.",
  "smb.bind-failed": "The address of srcaddr= is not one of this machine.",
  "smb.no-address": "The name of the server led to no address: see name resolution, and ip= of the mount.",
  "smb.unknown-frame":
    "An answer came that no request waits for: often one that came after its request had been given up.",
  "smb.frame-malformed": "What came is no SMB: something else answers on this port, or data was lost.",
  "smb.credit-timeout": "A request got no credits for that long: the server gives too few, or answers too slowly.",
  "smb.credits-exhausted":
    "The server took all credits away: echoes and oplocks are switched off so that at least requests get through.",
  "smb.credits-overflow": "The server gave more credits than fit: harmless for the client, a fault of the server.",
  "smb.mounting": "A mount begins.",
  "smb.mount-failed": "The mount failed; the lines before it say why.",
  "smb.session-failed": "The log-in failed: user, password, Kerberos ticket, or the security that the server asks for.",
  "smb.status": "The server's answer to a request.",
  "smb.no-credentials":
    "There is no Kerberos key for this user: no ticket, no keyutils, or no rule for cifs.spnego in request-key.",
  "smb.upcall-version": "cifs.upcall is another version than the kernel expects: update cifs-utils.",
  "smb.auth-type": "The server named no way to log in that is known: Kerberos is tried.",
  "smb.short-session-key": "Kerberos gave a key that is too short for SMB: the encryption type is old.",
  "smb.guest-signing":
    "Signing is asked for, and the server took the user for a guest, who has no key: name the user, or allow no guests there.",
  "smb.anonymous": "The server says that the user is anonymous, though a name was given.",
  "smb.share-not-found": "The server has no share of that name, or does not show it to this user.",
  "smb.share-deleted": "The share was removed on the server while it was mounted.",
  "smb.tree-failed": "After a reconnect the share could not be connected again; the next request tries it anew.",
  "smb.dialect":
    "Client and server have no version of SMB in common: see vers= of the mount and what the server allows.",
  "smb.negotiate-contexts":
    "The server's answer lacks what SMB 3.1.1 needs: a fault of the server, or of something between.",
  "smb.validate-negotiate":
    "What was negotiated was changed on the way, or the server does not follow the protocol: the connection is not trusted.",
  "smb.encryption":
    "Encryption is asked for (seal, or by the share), and one of both cannot do it or not with this cipher.",
  "smb.decrypt-failed":
    "An encrypted answer could not be decrypted: data was changed on the way, or the session is no longer the same.",
  "smb.signature": "A signature is wrong: data was changed on the way, or the session's key is another one.",
  "smb.signing": "One side asks for signing, and the other has it off.",
  "smb.handle-orphan":
    "A request was interrupted after the server had opened the file: the client closes it. Harmless.",
  "smb.handle-leak": "A handle could not be closed on the server: it stays open there until the session ends.",
  "smb.client-bug": "The client's own book-keeping of a request is wrong: a fault of the kernel.",
  "smb.no-multichannel": "multichannel is asked for, and the server does not offer it: there is one connection.",
  "smb.multichannel-lost": "The server does not offer multichannel any more: the further channels go away.",
  "smb.multichannel": "The server offers multichannel again.",
  "smb.channel-failed":
    "A further channel could not be opened: that interface of the server cannot be reached from here.",
  "smb.channel-opened": "A further channel was opened.",
  "smb.channel-race": "A channel went away while it was being used. Harmless when it is rare.",
  "smb.interface-list": "The server's list of interfaces could not be had: no further channels are opened.",
  "smb.no-inode-numbers":
    "The server's inode numbers are not unique or not given: the client makes its own, and hard links are not seen.",
  "smb.writeback-failed":
    "Data of a closed file could not be written, since no handle for it is left: data may be lost.",
  "smb.disk-full": "The server has no room left: data that was written into the cache may be lost.",
  "smb.write-failed": "A write failed.",
  "smb.read-only-share": "The share is read-only on the server.",
  "smb.dialect-old": "SMB 1 is used: it is neither safe nor fast. Use vers=3.",
  "smb.dialect-default": "No vers= was given: the client takes the best that both have.",
  "smb.dfs-target": "The server that DFS named has another address than expected.",
  "smb.prefix-path": "A directory on the way to the mounted one may not be read: paths are built without it.",
  "smb.witness": "The client could not register for news of a cluster: it will notice a move by time-outs only.",
  "smb.swap": "A swap file lies on the share: this is experimental.",
  "smb.upcall-denied":
    "SELinux or AppArmor kept the program from its work that gets keys for the kernel: log-ins by Kerberos fail.",
  "smb.other": "No meaning is known here.",
};
