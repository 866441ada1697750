/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The life of a record: begun, published, and ended or left. */
#ifndef AOD_SMB_TRACE_OPS_H
#define AOD_SMB_TRACE_OPS_H

#include "failures.h"
#include "smb_outlier.h"

/* Takes a slot and fills it; the caller ends it with op_publish(). Its number, or 0, with the loss counted. */
__noinline __u64 op_begin(__u64 session, __u64 mid, __u32 tree, __u32 command)
{
	__u64 id = bpf_get_current_pid_tgid(), seq = next_number();
	struct aod_smb_op *op;
	__u32 position;

	if (!seq)
		return 0;
	position = (seq - 1) & (AOD_RING - 1);
	op = op_pointer(position);
	if (op->request)
		overtake(position);
	else
		forget(op);
	*(volatile __u64 *)&op->seq = seq;
	op->request = seq;
	op->created = bpf_ktime_get_ns();
	op->sent = 0;
	op->answered = 0;
	op->last_answer = 0;
	op->closed = 0;
	op->queue_ns = 0;
	op->mid = mid;
	op->connection = 0;
	op->session = session;
	op->async_id = 0;
	op->cgroup = bpf_get_current_cgroup_id();
	op->lead = 0;
	op->tree = tree;
	op->tid = id;
	op->tgid = id >> 32;
	op->opener = 0;
	op->status = 0;
	op->flags = AOD_F_NUMBERS;
	op->command = command;
	op->target = target_of(session, tree);
	op->chain = 0;
	op->uid = bpf_get_current_uid_gid();
	op->error = 0;
	bpf_get_current_comm(op->comm, sizeof(op->comm));
	op->state = AOD_OP_OPEN;
	return seq;
}

static __always_inline struct aod_smb_op *op_new(__u64 seq)
{
	return op_pointer((seq - 1) & (AOD_RING - 1));
}

static __always_inline void op_publish(__u64 seq)
{
	*(volatile __u64 *)&op_new(seq)->seq_check = seq;
}

/* 1 when the request was still open. */
__noinline int op_end(__u64 seq, __u32 status, __u32 flags)
{
	const bool error = (flags & AOD_F_STATUS) && status >= 0xc0000000;
	struct aod_smb_op *op = op_of(seq);
	__u64 now = bpf_ktime_get_ns(), latency;
	__u32 command, at;
	bool told;

	if (!op)
		return 0;
	command = command_of(op->command);
	at = op->target * AOD_COMMANDS + command;
	latency = now - op->created;
	op->closed = now;
	op->status = status;
	op->flags |= flags;
	op->state = AOD_OP_CLOSED;
	op->request = 0;
	if (at < AOD_TARGETS * AOD_COMMANDS) {
		struct aod_smb_stats *s = &stats[at];

		count(&s->count);
		__sync_fetch_and_add(&s->buckets[aod_bucket_of(latency)], 1);
		if (error)
			count(&s->errors);
	}
	told = status && (flags & AOD_F_STATUS) && failure_told(op->target, command, status);
	if (latency >= tunables.slow_ns[command] || (error && told && (tunables.error_commands >> command & 1)))
		emit(op);
	return 1;
}

/* Its caller asks for something else, so it does not wait for this one any more: a signal or a reconnect came. */
__noinline int op_left(__u64 seq)
{
	struct aod_smb_op *op = op_of(seq);

	if (!op)
		return 0;
	op->flags |= events.last_reconnect > op->created ? AOD_F_RETRY : AOD_F_CANCELLED;
	op->state = AOD_OP_GHOST;
	op->request = 0;
	count(&losses.ghosts);
	return 1;
}

#endif
