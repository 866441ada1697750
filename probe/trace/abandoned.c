// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * A request that a signal or a reconnect ended is evaluated by no trace point. It must not look like one that hangs:
 * - Who waits for an answer sleeps in state D. Seen otherwise at two ticks, the caller has left its request.
 * - READ and WRITE may have no waiting caller. A reconnect ends those of its connection, and some time after their task is gone nobody asks for them.
 * A READ or WRITE that was given up wrongly still ends, and is then counted as unseen.
 */
#include <string.h>
#include "trace.h"

#define YOUNG_NS 1500000000ull    /* too young to judge */
#define SETTLE_NS 2000000000ull   /* after a reconnect, for what had another connection */
#define GONE_NS 60000000000ull    /* a task's READ or WRITE may outlive it so long */
#define MAX_LOOKS 256             /* tasks looked at in one tick */

#define SMB2_READ 8
#define SMB2_WRITE 9

static __u64 suspect[AOD_RING + AOD_OVERFLOW]; /* the request that was not waited for at the tick before */
static __u32 next_look;

static void give_up(struct aod_smb_op *op, __u64 seq, __u32 flag)
{
	if (!__atomic_compare_exchange_n(&op->request, &seq, 0, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
		return; /* it has just ended */
	op->flags |= flag;
	op->state = AOD_OP_GHOST;
	__atomic_fetch_add(&wire.losses->ghosts, 1, __ATOMIC_RELAXED);
}

/* Was it on a connection that has reconnected since? Which connection it was on is known by the thread that takes its answers. */
static bool reconnected(const struct aod_smb_op *op, __u64 now)
{
	const __u32 cifsd = trace_memory->cifsd[op->target & (AOD_TARGETS - 1)];

	for (__u32 i = 0; i < AOD_TRACE_RECONNECTS; i++) {
		const struct aod_trace_reconnect *r = &trace_memory->reconnects[i];
		const bool known = op->target && cifsd && cifsd != AOD_CIFSD_MANY;

		if (r->at > op->created && now > r->at + SETTLE_NS && (!known || cifsd == r->tid))
			return true;
	}
	return false;
}

static __u32 why_left(const struct aod_smb_op *op)
{
	return wire.events->last_reconnect > op->created ? AOD_F_RETRY : AOD_F_CANCELLED;
}

static void judge_data(struct aod_smb_op *op, __u64 seq, __u64 now)
{
	const bool worker = !strncmp(op->comm, "kworker", 7);

	if (reconnected(op, now))
		give_up(op, seq, AOD_F_RETRY);
	else if (!worker && now - op->created > GONE_NS && waiting_of(op->tgid, op->tid) == WAITING_GONE)
		give_up(op, seq, AOD_F_CANCELLED);
}

static void judge_call(struct aod_smb_op *op, __u64 seq, __u32 i)
{
	const enum waiting waiting = waiting_of(op->tgid, op->tid);

	if (waiting == WAITING_GONE || (waiting == WAITING_NO && suspect[i] == seq))
		give_up(op, seq, why_left(op));
	else
		suspect[i] = waiting == WAITING_NO ? seq : 0;
}

void abandoned_sweep(__u64 now)
{
	__u32 looks = 0, n = AOD_RING + AOD_OVERFLOW;

	for (__u32 k = 0; k < n && looks < MAX_LOOKS; k++) {
		const __u32 i = (next_look + k) % n;
		struct aod_smb_op *op = &wire.ops[i];
		const __u64 seq = __atomic_load_n(&op->request, __ATOMIC_ACQUIRE);

		if (!seq || op->seq_check != seq || now < op->created + YOUNG_NS)
			continue;
		if (++looks == MAX_LOOKS)
			next_look = i + 1;
		if (op->command == SMB2_READ || op->command == SMB2_WRITE)
			judge_data(op, seq, now);
		else
			judge_call(op, seq, i);
	}
}
