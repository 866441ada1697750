/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The contract of smb_wire between the BPF programs, aod-probe and, through BTF, the TypeScript decoders.
 * Times are CLOCK_MONOTONIC in ns; 0 means that the moment was not seen. See docs/op.md for every field.
 */
#ifndef AOD_SMB_WIRE_H
#define AOD_SMB_WIRE_H

#include "failure_place.h"
#include "index_entry.h"

#define AOD_RING 16384     /* ops in the history; power of two */
#define AOD_INDEX 8192     /* open requests that can be found by pointer; power of two */
#define AOD_OVERFLOW 1024  /* open requests that the ring has overtaken; power of two */
#define AOD_TASKS 8192     /* tasks between asking for credits and having sent; power of two */
#define AOD_TARGETS 256    /* (connection, session, tree); power of two; 0 takes what finds no place */
#define AOD_COMMANDS 20    /* SMB2 commands 0..18, 19 = any other */
#define AOD_BUCKETS 128    /* log-linear: histogram.h */

enum aod_op_state {
	AOD_OP_EMPTY = 0,
	AOD_OP_OPEN = 1,     /* the request exists, no response yet */
	AOD_OP_ANSWERED = 2, /* the response was taken off the wire */
	AOD_OP_CLOSED = 3,   /* released; the record is final */
	AOD_OP_MOVED = 4,    /* still open, and now in the overflow array */
	AOD_OP_GHOST = 5,    /* its release was missed; seen when its pointer was used again */
};

enum aod_op_flag {
	AOD_F_ASYNC_CALL = 1 << 0,  /* issued without a waiting caller: it has no wake phase */
	AOD_F_COMPOUND = 1 << 1,    /* member of a compound chain */
	AOD_F_WIRE_ASYNC = 1 << 2,  /* SMB2_FLAGS_ASYNC_COMMAND in the response; async_id is valid */
	AOD_F_STATUS = 1 << 3,      /* status is valid */
	AOD_F_QUEUE = 1 << 4,       /* queue_ns is valid */
	AOD_F_CANCELLED = 1 << 5,   /* the caller stopped waiting */
	AOD_F_RETRY = 1 << 6,       /* killed by a reconnect (MID_RETRY_NEEDED) */
	AOD_F_SHUTDOWN = 1 << 7,    /* killed because the connection was torn down */
	AOD_F_LATE_ANSWER = 1 << 8, /* answered is the moment of release: decryption was offloaded */
	AOD_F_SEND_FAILED = 1 << 9, /* the socket refused it; sent is the moment of the failure */
	AOD_F_OVERTAKEN = 1 << 10,  /* lives in the overflow array */
	AOD_F_NOT_MADE = 1 << 11,   /* the client refused to make the request; error says why. Not in the statistics */
	AOD_F_NUMBERS = 1 << 12,     /* seen by trace points that pass numbers: neither its connection nor the response's flags are known */
};

/* One request, in the ring, in the overflow array, in the ring buffer and in OPS, HISTORY and INFLIGHT frames. */
struct aod_smb_op {
	__u64 seq;         /* number of the op since attach, from 1; written first. Torn unless equal to seq_check */
	__u64 request;     /* the key of the kernel's request while open, else 0; never leaves the helper */
	__u64 created;
	__u64 sent;
	__u64 answered;
	__u64 last_answer; /* on the first member of a compound: the latest answer of the chain */
	__u64 closed;
	__u64 queue_ns;    /* a duration */
	__u64 mid;
	__u64 connection;
	__u64 session;
	__u64 async_id;
	__u64 cgroup;
	__u64 lead;        /* seq of the first member of the compound, 0 outside compounds */
	__u32 tree;
	__u32 tid;
	__u32 tgid;
	__u32 opener;      /* tgid of who opened the file, for writeback and deferred close; 0 = not known */
	__u32 status;
	__u32 flags;       /* enum aod_op_flag */
	__u16 command;
	__u16 target;      /* index into the targets */
	__u32 state;       /* enum aod_op_state */
	__u32 chain;       /* ring position + 1 of the chain's member before, until sent */
	__u32 uid;         /* real user id of the task */
	char comm[16];     /* of the request's creator */
	__s32 error;       /* why it was not sent, or not made: -errno; 0 = it was */
	__u32 pad;
	__u64 seq_check;   /* written last */
};

#define AOD_PARAMS_FIXED 64 /* of the fixed part of a request */
#define AOD_PARAMS_TEXT 512 /* of the name that follows it */

/*
 * What a request asks for, as it stands on the wire; only when the knob asks for it, before its op. Never data. In the ring buffer it
 * ends before `text` where the command has no name.
 */
struct aod_smb_params {
	__u64 seq;         /* of the op */
	__u16 command;
	__u16 fixed_size;  /* bytes of fixed */
	__u16 text_size;   /* bytes of text */
	__u16 pad;
	__u8 fixed[AOD_PARAMS_FIXED]; /* what follows the 64 bytes of the SMB2 header: MS-SMB2 2.2.3 and on */
	__u8 text[AOD_PARAMS_TEXT];   /* UTF-16LE: file name of CREATE, path of TREE_CONNECT, pattern of QUERY_DIRECTORY */
};

enum aod_wait_kind {
	AOD_WAIT_NONE = 0,
	AOD_WAIT_CREDITS = 1, /* for one request or compound */
	AOD_WAIT_MTU = 2,     /* for a READ or WRITE */
};

/* A task between asking for credits and having handed its request to the socket. */
struct aod_task {
	__u64 id;         /* tgid << 32 | tid */
	__u64 asked;      /* when it asked for credits */
	__u64 granted_ns; /* how long its last READ/WRITE credits took, + 1; 0 = none pending */
	__u64 connection;
	__u32 waiting;    /* enum aod_wait_kind */
	__u32 chain;      /* ring position + 1 of the newest unsent request */
	__u32 opener;
	__u32 pad;
	__u64 rqst;       /* kprobe rung only, between entry and return: the smb_rqst */
	__u64 server;     /* ... and the connection */
};

struct aod_smb_target {
	__u64 key; /* 0 = free */
	__u64 connection;
	__u64 session;
	__u32 tree;
	__u32 pad;
};

/* Per target and command. The buckets wrap: readers take differences. */
struct aod_smb_stats {
	__u64 count;  /* released requests */
	__u64 errors; /* of them, with an NTSTATUS of severity error */
	__u32 buckets[AOD_BUCKETS]; /* whole latency */
};

struct aod_smb_losses {
	__u64 index_full;    /* a request that could not be indexed: never completed in the history */
	__u64 overflow_full; /* an open request dropped from the history */
	__u64 tasks_full;    /* queue and send of a request unknown */
	__u64 targets_full;  /* counted under target 0 */
	__u64 ringbuf_full;  /* an outlier that did not reach user space */
	__u64 ghosts;        /* a release that was missed, found by pointer reuse */
	__u64 params_full;   /* what a request asks for did not reach user space */
	__u64 failures_full; /* a status that was not counted by itself */
	__u64 unseen[AOD_COMMANDS]; /* released without a seen begin */
};

/* Written by aod-probe before the load; the verifier then leaves out what is not used. */
struct aod_smb_knobs {
	__u32 send;    /* the hook on the end of sending is attached */
	__u32 credits; /* so are those on both waits for credits: every task has its place before its request is created */
	__u32 params;  /* every request's aod_smb_params is wanted */
};

/* Written by aod-probe at any time. */
struct aod_smb_tunables {
	__u64 slow_ns[AOD_COMMANDS]; /* at least this long: an outlier; all ones = never */
	__u32 error_commands;        /* bit per command: an error status makes it an outlier ... */
	__u32 pad;
	__u32 told[AOD_TOLD / 32];   /* ... if it is among these: AOD_TOLD_BIT(). Others are counted alone. Two may share a bit: who reads looks again */
};

struct aod_smb_events {
	__u64 reconnects;     /* smb3_reconnect seen */
	__u64 last_reconnect; /* ns */
};

#endif
