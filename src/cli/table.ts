import type { CliCommand } from "./command.ts";

/** Every command, one line each, in the order of `aod --help`. */
export const commands: readonly CliCommand[] = [
  { name: "run", summary: "run the daemon in the foreground", load: () => import("./run.ts") },
  { name: "status", summary: "show what the daemon sees and does", load: () => import("./status.ts") },
  { name: "incidents", summary: "list incidents, or show one", load: () => import("./incidents.ts") },
  {
    name: "snapshot",
    summary: "collect all evidence now, with or without a daemon",
    load: () => import("./snapshot.ts"),
  },
  { name: "bundle", summary: "list, show, verify and unpack bundles", load: () => import("./bundle.ts") },
  { name: "config", summary: "check and show the configuration", load: () => import("./config.ts") },
  { name: "probes", summary: "say what works on this kernel, and what is missing", load: () => import("./probes.ts") },
  { name: "show", summary: "show what the SMB and NFS clients say of themselves", load: () => import("./show.ts") },
  {
    name: "doctor",
    summary: "find out why a share does not mount, or what is wrong here",
    load: () => import("./doctor.ts"),
  },
  {
    name: "open-files",
    summary: "show whose the open files of SMB and NFS mounts are, and which nobody closes",
    load: () => import("./open-files.ts"),
  },
  {
    name: "debug",
    summary: "explain the kernel's SMB and NFS messages, and have the clients log more for a time",
    load: () => import("./debug.ts"),
  },
  { name: "record", summary: "keep operations, trace events or packets in a file", load: () => import("./record.ts") },
  {
    name: "decode",
    summary: "make a readable time line of a kernel trace of SMB and NFS",
    load: () => import("./decode.ts"),
  },
  {
    name: "packets",
    summary: "say what a capture of packets tells of SMB and NFS",
    load: () => import("./packets.ts"),
  },
  {
    name: "keys",
    summary: "write the keys of encrypted SMB sessions into a file, to decrypt captures",
    load: () => import("./keys.ts"),
  },
  { name: "install", summary: "install AOD and its service, or update it", load: () => import("./install.ts") },
  { name: "uninstall", summary: "remove AOD; bundles stay", load: () => import("./uninstall.ts") },
  {
    name: "replay",
    summary: "show what the daemon would have noticed of a recording",
    load: () => import("./replay.ts"),
  },
  {
    name: "smbslower",
    summary: "trace SMB operations that are slower than a threshold",
    tool: true,
    load: () => import("./smbslower.ts"),
  },
  {
    name: "smbiosnoop",
    summary: "trace SMB requests with their return codes and parameters",
    tool: true,
    load: () => import("./smbiosnoop.ts"),
  },
  {
    name: "smbiostat",
    summary: "input and output of SMB shares and NFS mounts, as iostat does",
    tool: true,
    load: () => import("./smbiostat.ts"),
  },
  {
    name: "smbvfsslower",
    summary: "trace calls of the SMB client's VFS callbacks that are slower than a threshold",
    tool: true,
    load: () => import("./smbvfsslower.ts"),
  },
  {
    name: "smbvfsiosnoop",
    summary: "trace every call of the SMB client's VFS callbacks, with arguments and return values",
    tool: true,
    load: () => import("./smbvfsiosnoop.ts"),
  },
  {
    name: "nfsvfsslower",
    summary: "trace calls of the NFS client's VFS callbacks that are slower than a threshold",
    tool: true,
    load: () => import("./nfsvfsslower.ts"),
  },
  {
    name: "nfsslower",
    summary: "trace NFS operations that are slower than a threshold",
    tool: true,
    load: () => import("./nfsslower.ts"),
  },
  {
    name: "nfsiosnoop",
    summary: "trace NFS operations with their status",
    tool: true,
    load: () => import("./nfsiosnoop.ts"),
  },
];
