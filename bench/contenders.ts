/** What the workload of `bench tools` runs on. */
export const workloads = ["smb", "nfs", "ext4"] as const;
export type WorkloadName = (typeof workloads)[number];

/** One thing that may watch the workload. */
export interface Contender {
  readonly name: string;
  readonly workloads: readonly WorkloadName[];
  /** Stays until SIGINT, and prints a line once it is attached. The first word of our own tools is looked up in bin/ of the checkout. */
  readonly argv: readonly string[];
  /** The program that is not ours. */
  readonly needs?: string;
}

// A kref lies 16 bytes into mid_q_entry, behind its list head.
// The reference tools' own way, written as one-liners: time from a request's creation to its release; from a callback's entry to its return.
const bpftraceWire = `BEGIN { printf("ready\\n"); }
kretprobe:smb2_mid_entry_alloc { @start[retval] = nsecs; }
kprobe:__release_mid { $s = @start[arg0 - 16]; if ($s) { if (nsecs - $s > 10000000) { printf("%s %d %d\\n", comm, pid, nsecs - $s); } delete(@start[arg0 - 16]); } }`;
const bpftraceVfs = `BEGIN { printf("ready\\n"); }
kprobe:cifs_open,kprobe:cifs_close,kprobe:cifs_flush,kprobe:cifs_strict_writev,kprobe:cifs_strict_fsync,kprobe:cifs_lookup,kprobe:cifs_atomic_open,kprobe:cifs_getattr { @start[tid, func] = nsecs; }
kretprobe:cifs_open,kretprobe:cifs_close,kretprobe:cifs_flush,kretprobe:cifs_strict_writev,kretprobe:cifs_strict_fsync,kretprobe:cifs_lookup,kretprobe:cifs_atomic_open,kretprobe:cifs_getattr { $s = @start[tid, func]; if ($s) { if (nsecs - $s > 10000000) { printf("%s %d %s %d\\n", comm, pid, func, nsecs - $s); } delete(@start[tid, func]); } }`;
const bpftraceRpc = `BEGIN { printf("ready\\n"); }
tracepoint:sunrpc:rpc_stats_latency { if (args->execute > 10000) { printf("%s %d %d\\n", comm, pid, args->execute); } }`;

// It says in one buffered line that it records.
const record = ["stdbuf", "-oL", "trace-cmd", "record"] as const;

export const contenders: readonly Contender[] = [
  { name: "smbslower", workloads: ["smb"], argv: ["smbslower"] },
  { name: "smbiosnoop", workloads: ["smb"], argv: ["smbiosnoop"] },
  { name: "smbvfsslower", workloads: ["smb", "ext4"], argv: ["smbvfsslower"] },
  { name: "smbvfsslower --shared", workloads: ["smb", "ext4"], argv: ["smbvfsslower", "--shared"] },
  { name: "smbvfsiosnoop", workloads: ["smb"], argv: ["smbvfsiosnoop"] },
  { name: "nfsslower", workloads: ["nfs"], argv: ["nfsslower"] },
  { name: "nfsiosnoop", workloads: ["nfs"], argv: ["nfsiosnoop"] },
  { name: "nfsvfsslower", workloads: ["nfs", "ext4"], argv: ["nfsvfsslower"] },
  { name: "nfsvfsslower --shared", workloads: ["ext4"], argv: ["nfsvfsslower", "--shared"] },
  { name: "trace-cmd record -e cifs", workloads: ["smb"], argv: [...record, "-e", "cifs"], needs: "trace-cmd" },
  {
    name: "trace-cmd record -e nfs -e nfs4 -e sunrpc",
    workloads: ["nfs"],
    argv: [...record, "-e", "nfs", "-e", "nfs4", "-e", "sunrpc"],
    needs: "trace-cmd",
  },
  { name: "bpftrace, requests", workloads: ["smb"], argv: ["bpftrace", "-e", bpftraceWire], needs: "bpftrace" },
  { name: "bpftrace, 8 callbacks", workloads: ["smb"], argv: ["bpftrace", "-e", bpftraceVfs], needs: "bpftrace" },
  { name: "bpftrace, rpc_stats_latency", workloads: ["nfs"], argv: ["bpftrace", "-e", bpftraceRpc], needs: "bpftrace" },
  { name: "bpfcc nfsslower", workloads: ["nfs"], argv: ["nfsslower-bpfcc"], needs: "nfsslower-bpfcc" },
];

/** Names of our own tools among the first words of argv: bin/NAME. */
export function isOurs({ needs }: Contender): boolean {
  return needs === undefined;
}
