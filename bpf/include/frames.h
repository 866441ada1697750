/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Frames between aod-probe and aod: u32 length (of the payload), u16 type, u16 version, payload; little-endian.
 * stdout carries AOD_FRAME_*, stdin AOD_REQUEST_*. A payload is one header struct and then records. What stands here is smb_wire's; the
 * structs of smb_vfs and nfs_vfs are in vfs.h: HELLO goes on with aod_vfs_hello after the hooks, OPS has aod_vfs_op, TICK aod_vfs_tick and entries x
 * (aod_vfs_tick_entry, then its buckets), INFLIGHT aod_vfs_running, SET aod_vfs_settings; they keep no HISTORY.
 */
#ifndef AOD_FRAMES_H
#define AOD_FRAMES_H

#include "smb_wire.h"
#include "vfs.h"
#include "nfs_rpc.h"

#define AOD_FRAME_VERSION 1
#define AOD_FRAME_MAX (1 << 20)

struct aod_frame {
	__u32 length;
	__u16 type;
	__u16 version;
};

enum aod_frame_type {
	AOD_FRAME_HELLO = 1,    /* aod_hello, then hooks x aod_hook; once, after attach and the drop of privileges */
	AOD_FRAME_OPS = 2,      /* aod_smb_op x n: outliers */
	AOD_FRAME_TICK = 3,     /* aod_tick, then entries x (aod_tick_entry, then its buckets x aod_bucket), then failures x aod_failure */
	AOD_FRAME_INFLIGHT = 4, /* aod_inflight, then ops x aod_smb_op, then waiters x aod_waiter; after every tick */
	AOD_FRAME_HISTORY = 5,  /* aod_history, then ops x aod_smb_op; the last of an answer has done = 1 */
	AOD_FRAME_LOST = 6,     /* aod_lost x n: totals since start of every kind that is not zero; after a tick when one changed */
	AOD_FRAME_ERROR = 7,    /* aod_error: the helper cannot go on; its last frame */
	AOD_FRAME_PARAMS = 8,   /* aod_smb_params x n: of ops that are in a later OPS or INFLIGHT */
	AOD_FRAME_RPC_TARGETS = 16, /* aod_rpc_target x n: new or changed; before what names them */
	AOD_FRAME_RPC_PATHS = 17,   /* aod_rpc_path x n: of ops that are in a later OPS */
	AOD_REQUEST_SET = 64,     /* aod_settings */
	AOD_REQUEST_HISTORY = 65, /* aod_history_request */
};

enum aod_rung {
	AOD_RUNG_NONE = 0,   /* not attached; why says the reason */
	AOD_RUNG_FENTRY = 1, /* fentry, fexit or tp_btf */
	AOD_RUNG_KPROBE = 2, /* kprobe, kretprobe */
	AOD_RUNG_TRACE = 3,  /* raw trace point */
};

struct aod_hook {
	char name[32];     /* the role: create, create_async, send, answer, release, credits, ... */
	char function[48]; /* the kernel function or trace point */
	__u32 rung;        /* enum aod_rung */
	__u32 needed;      /* 1: without it the probe does not run */
	char why[112];     /* for what is not on the first rung: the reason, NUL-terminated */
};

struct aod_hello {
	__u32 pid;
	__u32 hooks;
	__u32 ring;       /* AOD_RING */
	__u32 op_size;    /* sizeof(struct aod_smb_op) */
	char probe[16];   /* smb_wire */
	char module[16];  /* cifs */
	char release[64]; /* uname -r */
};

struct aod_tick {
	__u64 now;      /* CLOCK_MONOTONIC ns */
	__u64 head;     /* seq of the newest op */
	__u64 oldest;   /* seq of the oldest op that the history still holds */
	__u64 recursion_misses; /* sum over the programs */
	struct aod_smb_events events;
	__u32 entries;
	__u32 failures;
};

/* Deltas since the last tick. */
struct aod_tick_entry {
	__u64 connection;
	__u64 session;
	__u32 tree;
	__u16 command;
	__u16 buckets;
	__u64 count;
	__u64 errors;
};

/* Answers to one command with one status that is not 0, since the last tick. */
struct aod_failure {
	__u64 connection;
	__u64 session;
	__u32 tree;
	__u16 command;
	__u16 pad;
	__u32 status;
	__u32 count;
};

enum aod_histogram {
	AOD_HIST_LATENCY = 0,
	AOD_HIST_QUEUE = 1,
	AOD_HIST_SEND = 2,
	AOD_HIST_WIRE = 3,
	AOD_HIST_WAKE = 4,
};

struct aod_bucket {
	__u8 histogram; /* enum aod_histogram */
	__u8 bucket;
	__u16 pad;
	__u32 count;
};

struct aod_inflight {
	__u64 now;
	__u32 ops;
	__u32 waiters;
	__u32 open;   /* all open requests, whatever their age */
	__u32 pad;
};

struct aod_waiter {
	__u64 asked;
	__u64 connection;
	__u32 tid;
	__u32 tgid;
	__u32 kind; /* enum aod_wait_kind */
	__u32 pad;
};

struct aod_history {
	__u64 head;   /* newest seq at the time of the answer */
	__u64 oldest; /* oldest seq that the ring still holds */
	__u64 torn;   /* records skipped because they were being written */
	__u32 token;  /* of the request */
	__u32 ops;
	__u32 done;   /* 1 on the last frame of the answer */
	__u32 pad;
};

struct aod_history_request {
	__u64 from; /* first seq wanted; 0 = all */
	__u32 token;
	__u32 pad;
};

struct aod_settings {
	struct aod_smb_tunables smb;
	__u64 inflight_ns; /* INFLIGHT carries requests and waiters at least this old; 0 = all, all ones = none */
};

enum aod_lost_kind {
	AOD_LOST_INDEX = 1,     /* aod_smb_losses, same names */
	AOD_LOST_OVERFLOW = 2,
	AOD_LOST_TASKS = 3,
	AOD_LOST_TARGETS = 4,
	AOD_LOST_RINGBUF = 5,
	AOD_LOST_GHOSTS = 6,
	AOD_LOST_UNSEEN = 7,    /* detail = command */
	AOD_LOST_RECURSION = 8, /* recursion_misses */
	AOD_LOST_OVERTAKEN = 9, /* ops that the ring overwrote before a tick could add them to the phases' histograms */
	AOD_LOST_STDOUT = 10,   /* records not written because the reader was too slow */
	AOD_LOST_PARAMS = 11,   /* aod_smb_losses */
	AOD_LOST_FAILURES = 12, /* aod_smb_losses, aod_rpc_losses: statuses that are in the errors of a tick's entries alone */
	AOD_LOST_DEPTH = 16,    /* aod_vfs_losses, as those above: UNSEEN has the callback in detail, TARGETS are devices */
	AOD_LOST_NAMES = 17,
};

struct aod_lost {
	__u32 kind;
	__u32 detail;
	__u64 count;
};

struct aod_error {
	__u32 code;     /* 1 failed, 3 not supported here: the exit status */
	__u32 error;    /* errno, 0 = none */
	char text[248]; /* what, why, what to do; NUL-terminated */
};

#endif
