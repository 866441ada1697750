/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The contract of nfs_rpc between the BPF programs, aod-probe and, through BTF, the TypeScript decoders.
 * Times are CLOCK_MONOTONIC in ns; 0 means that the moment was not seen. See docs/nfsslower.md for what the fields mean.
 */
#ifndef AOD_NFS_RPC_H
#define AOD_NFS_RPC_H

#include "failure_place.h"
#include "index_entry.h"

#define AOD_RPC_RING 16384    /* ops in the history; power of two */
#define AOD_RPC_INDEX 8192    /* open ops that can be found by pointer; power of two */
#define AOD_RPC_OVERFLOW 1024 /* open ops that the ring has overtaken; power of two */
#define AOD_RPC_TARGETS 128   /* RPC clients; power of two; 0 takes what finds no place */
#define AOD_RPC_PROCEDURES 96 /* by p_statidx: 22 in NFSv3, 71 in NFSv4 of 7.2; the last takes all above */
#define AOD_RPC_BUCKETS 128   /* log-linear: histogram.h */

enum aod_rpc_state {
	AOD_RPC_EMPTY = 0,
	AOD_RPC_OPEN = 1,     /* begun, no answer yet */
	AOD_RPC_ANSWERED = 2, /* the RPC layer has counted an attempt; restarted or about to be released */
	AOD_RPC_CLOSED = 3,   /* released; the record is final */
	AOD_RPC_MOVED = 4,    /* still open, and now in the overflow array */
	AOD_RPC_GHOST = 5,    /* its release was missed; seen when its pointer was used again */
	AOD_RPC_HELD = 6,     /* the server asked to come again later: the caller sleeps and will make another task for it */
	AOD_RPC_UNSENT = 7,   /* the client found that it need not ask (an OPEN that a delegation allows): not in the statistics */
};

enum aod_rpc_flag {
	AOD_RPC_F_ASYNC = 1 << 0,     /* RPC_TASK_ASYNC */
	AOD_RPC_F_REPLIED = 1 << 1,   /* the last attempt has an answer of the server */
	AOD_RPC_F_STATUS = 1 << 2,    /* status and rpc_status are valid */
	AOD_RPC_F_WORKER = 1 << 3,    /* begun by a kernel thread */
	AOD_RPC_F_RANGE = 1 << 4,     /* offset and count are valid */
	AOD_RPC_F_OVERTAKEN = 1 << 5, /* lives in the overflow array */
	AOD_RPC_F_CUT = 1 << 6,       /* the name was longer */
	AOD_RPC_F_SOFT = 1 << 7,      /* RPC_TASK_SOFT: gives up after a time */
	AOD_RPC_F_NO_BYTES = 1 << 8,  /* sent and received are not known: rpc_trace */
};

#define AOD_RPC_NAME 64

/*
 * One operation: an rpc_task with all its restarts, and the tasks that the client makes anew when the server said to come again
 * later. In the ring, in the overflow array, in the ring buffer and in OPS, HISTORY and INFLIGHT frames.
 */
struct aod_rpc_op {
	__u64 seq;         /* number of the op since attach, from 1; written first. Torn unless equal to seq_check */
	__u64 request;     /* the key of the kernel's task while open, else 0; never leaves the helper */
	__u64 created;     /* tk_start of the first attempt */
	__u64 started;     /* tk_start of the last attempt */
	__u64 closed;      /* end of the last attempt: started + execute where the RPC layer has counted one */
	__u64 backlog_ns;  /* of the last attempt, as rpc_stats_latency tells them: until its (last) transmission, */
	__u64 rtt_ns;      /* from there to the answer, */
	__u64 execute_ns;  /* and all in all */
	__u64 backlog_sum; /* over all attempts */
	__u64 rtt_sum;
	__u64 execute_sum;
	__u64 sent;        /* bytes, all attempts */
	__u64 received;
	__u64 cgroup;
	__u64 inode;       /* number of the file, 0 = not known */
	__u64 offset;      /* of READ, WRITE and COMMIT */
	__u32 count;
	__u32 xid;         /* as it is on the wire, read as a big-endian number */
	__s32 status;      /* tk_status of the last attempt: 0 or more = done, negative = an NFS status or an errno */
	__s32 rpc_status;  /* tk_rpc_status: an error of the RPC layer itself */
	__u32 attempts;    /* how often the RPC layer has counted it: `ops` of mountstats */
	__u32 transmissions; /* at least one per attempt: `ntrans` of mountstats */
	__u32 timeouts;    /* major timeouts */
	__u32 tasks;       /* rpc_tasks that it took */
	__u32 client;      /* cl_clid */
	__u32 target;      /* id of the target, never used again; 0 = none had room */
	__u32 device;      /* s_dev as the kernel holds it, 0 = not known */
	__u32 tid;         /* of the creator */
	__u32 tgid;
	__u32 uid;         /* real user id of the creator; of a kernel thread: the user of the RPC's credential */
	__u32 flags;       /* enum aod_rpc_flag */
	__u32 state;       /* enum aod_rpc_state */
	__u16 procedure;   /* p_statidx, which names the procedure in NFSv4 */
	__u16 begun_as;    /* p_statidx at its begin: OPEN may become OPEN_NOATTR */
	__u16 wire;        /* p_proc: the procedure on the wire; 1 for everything in NFSv4 */
	__u16 slot;        /* index into the targets */
	__u32 version;     /* 2, 3 or 4 */
	__u32 minor;       /* minor version + 1; 0 = not known */
	char name[24];     /* of the procedure, from the kernel; empty for the NULL procedure */
	char comm[16];     /* of the creator */
	char file[AOD_RPC_NAME]; /* last component of what it is about, 0 = not known */
	__u64 seq_check;   /* written last */
};

#define AOD_RPC_DEPTH 12   /* directories of a path */
#define AOD_RPC_PATH 512

/* Where an outlier's file is, from the mount's root on; before its op, only when it was asked for. */
struct aod_rpc_path {
	__u64 seq;
	__u32 size;  /* bytes of text */
	__u32 cut;   /* 1: there are more directories above */
	__u8 text[AOD_RPC_PATH]; /* the names from the file upwards, each ended by NUL */
};

/* An RPC client: a mount's, or the one that the mounts of a server share for the state of NFSv4. */
struct aod_rpc_target {
	__u64 key;    /* 0 = free */
	__u32 id;     /* from 1, never used again */
	__u32 client; /* cl_clid */
	__u32 parent; /* cl_clid of the client that it was cloned from, itself if none, all ones = not known; mountstats adds its counts */
	__u32 version;
	__u32 minor;  /* minor version + 1; 0 = not known */
	__u32 device; /* s_dev of its mount, 0 = not known or none */
	char server[64];  /* as it was mounted by, cut */
	char address[48]; /* in digits */
};

/* Per target and procedure. The buckets wrap: readers take differences. */
struct aod_rpc_stats {
	__u64 count;         /* ops that are over */
	__u64 errors;        /* of them, with a negative status */
	__u64 attempts;
	__u64 transmissions;
	__u32 buckets[AOD_RPC_BUCKETS]; /* whole latency */
};

struct aod_rpc_losses {
	__u64 index_full;    /* an op that could not be indexed: never completed in the history */
	__u64 overflow_full; /* an open op dropped from the history */
	__u64 targets_full;  /* counted under target 0 */
	__u64 ringbuf_full;  /* an outlier that did not reach user space */
	__u64 ghosts;        /* a release that was missed, found by pointer reuse */
	__u64 unseen;        /* counted by the RPC layer without a seen begin */
	__u64 failures_full; /* a status that was not counted by itself */
};

/* Written by aod-probe at any time. */
struct aod_rpc_tunables {
	__u64 slow_ns[2 * AOD_RPC_PROCEDURES]; /* those of NFSv3, then those of NFSv4: at least this long: an outlier; all ones = never */
	__u8 errors[2 * AOD_RPC_PROCEDURES];   /* 1: a negative status makes it an outlier ... */
	__u32 told[AOD_TOLD / 32];            /* ... if it is among these, or was sent again. Others are counted alone. As in smb_wire.h, of AOD_RPC_ANSWER | status */
	__u32 paths;                          /* 1: outliers come with their path */
	__u32 pad;
};

struct aod_rpc_settings {
	struct aod_rpc_tunables rpc;
	__u64 inflight_ns; /* INFLIGHT carries ops at least this old; 0 = all, all ones = none */
};

/* Then entries x (aod_rpc_tick_entry, then its buckets x aod_bucket), then failures x aod_rpc_failure. */
struct aod_rpc_tick {
	__u64 now;      /* CLOCK_MONOTONIC ns */
	__u64 head;     /* seq of the newest op */
	__u64 oldest;   /* seq of the oldest op that the history still holds */
	__u64 recursion_misses; /* sum over the programs */
	__u32 entries;
	__u32 failures;
};

/* Deltas since the last tick. */
struct aod_rpc_tick_entry {
	__u32 target;  /* id */
	__u16 procedure;
	__u16 buckets;
	__u64 count;
	__u64 errors;
	__u64 attempts;
	__u64 transmissions;
	char name[24];
};

/* In a status that is counted: the server has answered with it. Without it the number is what the client or its RPC layer gave up with. */
#define AOD_RPC_ANSWER (1u << 31)

/* Ops of one procedure that ended with one status, since the last tick. */
struct aod_rpc_failure {
	__u32 target; /* id */
	__u32 status; /* -tk_status, or of the RPC layer; AOD_RPC_ANSWER */
	__u32 count;
	__u16 procedure;
	__u16 version; /* 3, which 2 is counted with, or 4 */
	char name[24];
};

#endif
