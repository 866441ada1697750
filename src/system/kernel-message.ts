/** A record of the kernel log that a rule of the catalogue knows (smb/kernel-messages.ts, nfs/kernel-messages.ts). */
export interface KernelMessage {
  /** Of the catalogue: `smb.not-responding`. */
  readonly id: string;
  readonly protocol: "smb" | "nfs";
  /** `trouble`: something does not work. `recovered`: it works again. `notice`: worth keeping, no trouble by itself. */
  readonly kind: "trouble" | "recovered" | "notice";
  /** CLOCK_MONOTONIC ns, within ms. */
  readonly timeNs: number;
  /** syslog severity, 0-7. */
  readonly level: number;
  readonly server?: string;
  /** `\\server\share` */
  readonly share?: string;
  /** errno, positive. */
  readonly errno?: number;
  /** NT status. */
  readonly status?: number;
  /** Any other number that it tells: seconds without an answer, locks lost. */
  readonly count?: number;
  readonly text: string;
}
