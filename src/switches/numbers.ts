import { join } from "node:path";

export type Protocol = "smb" | "nfs";
export const protocols: readonly Protocol[] = ["smb", "nfs"];

/** A file with one number, whose bits say what is logged. */
export interface NumberSwitch {
  readonly protocol: Protocol;
  /** Below /proc. */
  readonly file: string;
  readonly on: string;
}

/** cifsFYI takes one digit: INFO 1, RC 2, TIMER 4. RPCDBG_ALL, NFSDBG_ALL, NLMDBG_ALL of rpcdebug(8). */
export const numberSwitches: readonly NumberSwitch[] = [
  { protocol: "smb", file: "fs/cifs/cifsFYI", on: "7" },
  { protocol: "nfs", file: "sys/sunrpc/rpc_debug", on: "0x7fff" },
  { protocol: "nfs", file: "sys/sunrpc/nfs_debug", on: "0xffff" },
  { protocol: "nfs", file: "sys/sunrpc/nlm_debug", on: "0x7fff" },
];

export const pathOf = (procRoot: string, { file }: NumberSwitch): string => join(procRoot, file);

/** Whether everything of it is on already. */
export const isOn = (value: string, { on }: NumberSwitch): boolean => (Number(value) & Number(on)) === Number(on);
