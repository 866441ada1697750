// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Which open requests of smb_trace are given up at a tick, and which are not. */
#include <string.h>
#include "trace/trace.h"
#include "check.h"

#define SECOND 1000000000ull

enum { READ = 8, CREATE = 5 };

struct wire wire;
struct aod_trace *trace_memory;
static struct aod_smb_op ops[AOD_RING + AOD_OVERFLOW];
static struct aod_smb_losses losses;
static struct aod_smb_events events;
static struct aod_trace memory;
static enum waiting answer;
static __u64 seqs;

enum waiting waiting_of(__u32 tgid, __u32 tid)
{
	return answer;
}

static struct aod_smb_op *open_op(__u16 command, __u64 created)
{
	struct aod_smb_op *op;

	memset(ops, 0, sizeof(ops));
	memset(&events, 0, sizeof(events));
	memset(&memory, 0, sizeof(memory));
	op = &ops[seqs % AOD_RING];
	op->seq = op->request = op->seq_check = ++seqs;
	op->created = created;
	op->command = command;
	op->state = AOD_OP_OPEN;
	op->target = 3;
	strcpy(op->comm, "dd");
	losses.ghosts = 0;
	return op;
}

/* Sweeps once a second from `from` to `to`; is the request given up then? */
static bool given_up(struct aod_smb_op *op, __u64 from, __u64 to)
{
	for (__u64 now = from; now <= to; now += SECOND)
		abandoned_sweep(now);
	CHECK_EQ("counted", losses.ghosts, op->request ? 0 : 1);
	CHECK_EQ("state", op->state, op->request ? AOD_OP_OPEN : AOD_OP_GHOST);
	return !op->request;
}

static void reconnect(__u64 at, __u32 tid)
{
	memory.reconnects[events.reconnects++ % AOD_TRACE_RECONNECTS] = (struct aod_trace_reconnect){ .at = at, .tid = tid };
	events.last_reconnect = at;
}

static void calls(void)
{
	struct aod_smb_op *op = open_op(CREATE, 10 * SECOND);

	answer = WAITING_YES;
	CHECK_EQ("who waits for an hour still waits", given_up(op, 10 * SECOND, 3600 * SECOND), false);
	answer = WAITING_UNKNOWN;
	CHECK_EQ("what cannot be looked at stays", given_up(op, 3601 * SECOND, 3700 * SECOND), false);
	answer = WAITING_NO;
	CHECK_EQ("seen awake once", given_up(op, 3701 * SECOND, 3701 * SECOND), false);
	CHECK_EQ("seen awake twice", given_up(op, 3702 * SECOND, 3702 * SECOND), true);
	CHECK_EQ("its caller left it", op->flags, AOD_F_CANCELLED);

	op = open_op(CREATE, 10 * SECOND);
	answer = WAITING_NO;
	given_up(op, 12 * SECOND, 12 * SECOND);
	answer = WAITING_YES;
	given_up(op, 13 * SECOND, 13 * SECOND);
	answer = WAITING_NO;
	CHECK_EQ("awake at two ticks, but not in a row", given_up(op, 14 * SECOND, 14 * SECOND), false);

	op = open_op(CREATE, 10 * SECOND);
	reconnect(11 * SECOND, 77);
	answer = WAITING_GONE;
	CHECK_EQ("too young to judge", given_up(op, 11 * SECOND, 11 * SECOND), false);
	CHECK_EQ("its task is gone", given_up(op, 12 * SECOND, 12 * SECOND), true);
	CHECK_EQ("a reconnect came", op->flags, AOD_F_RETRY);
}

static void data(void)
{
	struct aod_smb_op *op = open_op(READ, 10 * SECOND);

	answer = WAITING_NO;
	CHECK_EQ("nobody needs to wait for a READ", given_up(op, 10 * SECOND, 3600 * SECOND), false);
	reconnect(20 * SECOND, 77);
	memory.cifsd[3] = 78;
	CHECK_EQ("another connection's reconnect", given_up(op, 30 * SECOND, 30 * SECOND), false);
	memory.cifsd[3] = 77;
	CHECK_EQ("its own reconnect", given_up(op, 31 * SECOND, 31 * SECOND), true);
	CHECK_EQ("killed by it", op->flags, AOD_F_RETRY);

	op = open_op(READ, 10 * SECOND);
	reconnect(20 * SECOND, 77);
	CHECK_EQ("which connection it has is not known: it has time to end", given_up(op, 21 * SECOND, 21 * SECOND), false);
	CHECK_EQ("but not for ever", given_up(op, 23 * SECOND, 23 * SECOND), true);

	op = open_op(READ, 30 * SECOND);
	reconnect(20 * SECOND, 77);
	answer = WAITING_GONE;
	CHECK_EQ("begun after the reconnect, its task has just ended", given_up(op, 31 * SECOND, 60 * SECOND), false);
	CHECK_EQ("its task ended long ago", given_up(op, 91 * SECOND, 91 * SECOND), true);

	op = open_op(READ, 10 * SECOND);
	strcpy(op->comm, "kworker/0:1");
	CHECK_EQ("a kernel worker comes and goes", given_up(op, 3600 * SECOND, 3600 * SECOND), false);
}

int main(void)
{
	trace_memory = &memory;
	wire.ops = ops;
	wire.losses = &losses;
	wire.events = &events;
	calls();
	data();
	return 0;
}
