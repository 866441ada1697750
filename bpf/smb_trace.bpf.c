// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * smb_trace: SMB2/3 requests on kernels whose module has no BTF. All that it knows comes from the arguments of four trace points, which are
 * numbers and the same since 5.10, so that no struct's layout has to be known. It keeps the tables of smb_wire.
 *
 * The trace points are not one to one (fs/smb/client/transport.c, smb2maperror.c):
 * - smb3_cmd_enter is raised in the task that asks, for each member of a compound.
 * - smb3_cmd_done or smb3_cmd_err is raised when an answer is evaluated: for READ and WRITE by cifsd or a worker, else by the task itself, for all
 *   members of a compound after the last answer. The first that fails ends the evaluation: its followers were answered, their status is not told.
 * - since 6.12 smb2_compound_op() evaluates the members after the first again.
 * - ECHO is never evaluated, and neither is what a signal or a reconnect ended.
 * - SESSION_SETUP and TREE_CONNECT are answered with other ids than they were asked with, and an answer after STATUS_PENDING has no tree.
 *
 * So a task's own requests are found by the task, READ and WRITE by session and message. See docs/decisions/0009.
 */
#include <linux/bpf.h>
#include <stdbool.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include "smb_trace.h"
#include "smb_trace_maps.h"
#include "lock.h"
#include "histogram.h"

#define SMB2_READ 8
#define SMB2_WRITE 9
#define SMB2_CANCEL 12
#define SMB2_ECHO 13

#define MAX_STRIDE 256 /* message ids that one member of a compound may take: its credit charge */

struct task_struct {
	unsigned long nvcsw;
} __attribute__((preserve_access_index));

/* What smb3_cmd_enter, smb3_cmd_done and smb3_cmd_err have in common. */
struct event {
	__u64 session;
	__u64 mid;
	__u32 tree;
	__u16 command;
};

static __always_inline struct event event_of(const struct bpf_raw_tracepoint_args *ctx)
{
	return (struct event){ .tree = ctx->args[0], .session = ctx->args[1], .command = ctx->args[2], .mid = ctx->args[3] };
}

static __always_inline __u32 command_of(__u16 command)
{
	return command < AOD_COMMANDS - 1 ? command : AOD_COMMANDS - 1;
}

static __always_inline bool is_data(__u16 command)
{
	return command == SMB2_READ || command == SMB2_WRITE;
}

static __always_inline struct aod_smb_op *op_pointer(__u64 at)
{
	struct aod_smb_op *op = &ops[at];

	barrier_var(op);
	return op;
}

static __always_inline __u32 overflow_of(__u64 seq)
{
	return AOD_RING + ((HASH(seq) >> 32) & (AOD_OVERFLOW - PROBES));
}

/*
 * Where the record of an open request is; NOWHERE when it is not open any more. This and others are not static, and take and give numbers
 * alone: the verifier looks at them once, and not at every place where they are called.
 */
#define NOWHERE (AOD_RING + AOD_OVERFLOW)

__noinline __u32 place_of(__u64 seq)
{
	__u32 at = (seq - 1) & (AOD_RING - 1);

	if (op_pointer(at)->request == seq)
		return at;
	if (head - seq < AOD_RING)
		return NOWHERE;
	at = overflow_of(seq);
	for (__u32 i = 0; i < PROBES; i++, at++)
		if (op_pointer(at)->request == seq)
			return at;
	return NOWHERE;
}

static __always_inline struct aod_smb_op *op_at(__u32 at)
{
	if (at >= NOWHERE)
		return NULL;
	barrier_var(at); /* the verifier must see the check before the multiplication */
	return op_pointer(at);
}

static __always_inline struct aod_smb_op *op_of(__u64 seq)
{
	return op_at(place_of(seq));
}

/* A record that aod-probe gave up is used again: nothing may lead to it. */
static __always_inline void forget(const struct aod_smb_op *op)
{
	struct data_key key = { .session = op->session, .mid = op->mid, .command = op->command, .nth = op->chain };
	__u64 *seq;

	if (op->state != AOD_OP_GHOST || !is_data(op->command))
		return;
	seq = bpf_map_lookup_elem(&data, &key);
	if (seq && *seq == op->seq)
		bpf_map_delete_elem(&data, &key);
}

/* The ring is about to overwrite a request that is still open: keep it elsewhere. Rare. */
__noinline int overtake(__u32 position)
{
	struct aod_smb_op *op = &ops[position & (AOD_RING - 1)];
	__u64 seq = op->request;
	__u32 base = overflow_of(seq);

	if (!lock(PLACES))
		goto full;
	for (__u32 i = 0; i < PROBES; i++) {
		struct aod_smb_op *to = op_pointer(base + i);

		if (to->request)
			continue;
		forget(to);
		*(volatile __u64 *)&to->seq_check = 0;
		__builtin_memcpy(to, op, __builtin_offsetof(struct aod_smb_op, seq_check));
		to->flags |= AOD_F_OVERTAKEN;
		*(volatile __u64 *)&to->seq_check = op->seq;
		unlock(PLACES);
		return 0;
	}
	unlock(PLACES);
full:
	op->state = AOD_OP_GHOST;
	forget(op);
	count(&losses.overflow_full);
	return 0;
}

/* The index of a target; 0, with the loss counted, when there is no room. Without a session there is nothing to tell targets by. */
__noinline int target_of(__u64 session, __u32 tree)
{
	__u64 key = HASH(HASH(session) + tree) | 1;
	bool mine = false;
	__u32 at;

	if (!session)
		return 0;
	for (__u32 i = 0; i < PROBES; i++) {
		at = ((key >> 56) + i) & (AOD_TARGETS - 1);
		if (targets[at].key == key)
			return at;
		if (!at || targets[at].key || !lock(PLACES))
			continue;
		mine = !targets[at].key;
		if (mine) {
			targets[at].session = session;
			targets[at].tree = tree;
			trace.cifsd[at] = 0;
			*(volatile __u64 *)&targets[at].key = key;
		}
		unlock(PLACES);
		if (mine || targets[at].key == key)
			return at;
	}
	count(&losses.targets_full);
	return 0;
}

static __always_inline __u64 next_number(void)
{
	__u64 seq;

	if (!lock(NUMBERS)) {
		count(&losses.index_full);
		return 0;
	}
	seq = *(volatile __u64 *)&head + 1;
	*(volatile __u64 *)&head = seq;
	unlock(NUMBERS);
	return seq;
}

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

static __always_inline void emit(const struct aod_smb_op *op)
{
	struct aod_smb_op *copy = bpf_ringbuf_reserve(&outliers, sizeof(*copy), 0);

	if (!copy) {
		count(&losses.ringbuf_full);
		return;
	}
	__builtin_memcpy(copy, op, sizeof(*copy));
	bpf_ringbuf_submit(copy, 0);
}

/* 1 when the request was still open. */
__noinline int op_end(__u64 seq, __u32 status, __u32 flags)
{
	const bool error = (flags & AOD_F_STATUS) && status >= 0xc0000000;
	struct aod_smb_op *op = op_of(seq);
	__u64 now = bpf_ktime_get_ns(), latency;
	__u32 command, at;

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
	if (latency >= tunables.slow_ns[command] || (error && (tunables.error_commands >> command & 1)))
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

static __always_inline int data_begin(const struct event *e)
{
	struct data_key key = { .session = e->session, .mid = e->mid, .command = e->command };
	__u64 seq = op_begin(e->session, e->mid, e->tree, e->command), *old;

	if (!seq)
		return 0;
	if (bpf_map_update_elem(&data, &key, &seq, BPF_NOEXIST)) {
		old = bpf_map_lookup_elem(&data, &key);
		/* of one that was given up, or another channel's */
		if (old && place_of(*old) < NOWHERE)
			op_new(seq)->chain = key.nth = 1;
		if (bpf_map_update_elem(&data, &key, &seq, BPF_ANY)) {
			op_new(seq)->state = AOD_OP_GHOST;
			op_new(seq)->request = 0;
			count(&losses.index_full);
		}
	}
	op_publish(seq);
	return 0;
}

/* Which thread takes the answers of a target: a reconnect is told by that thread alone. */
static __always_inline void learn_cifsd(__u32 target, __u32 tid)
{
	__u32 known = trace.cifsd[target & (AOD_TARGETS - 1)];
	char comm[16];

	if (known == tid || known == AOD_CIFSD_MANY || bpf_get_current_comm(comm, sizeof(comm)))
		return;
	if (comm[0] != 'c' || comm[1] != 'i' || comm[2] != 'f' || comm[3] != 's' || comm[4] != 'd')
		return;
	trace.cifsd[target & (AOD_TARGETS - 1)] = known ? AOD_CIFSD_MANY : tid;
}

static __always_inline int data_end(const struct event *e, __u32 status)
{
	struct data_key key = { .session = e->session, .mid = e->mid, .command = e->command };
	__u64 *found = bpf_map_lookup_elem(&data, &key), seq;
	__u32 tid = bpf_get_current_pid_tgid(), flags = AOD_F_STATUS;
	struct aod_smb_op *op;

	if (!found) {
		key.nth = 1;
		found = bpf_map_lookup_elem(&data, &key);
	}
	seq = found ? *found : 0;
	op = seq ? op_of(seq) : NULL;
	if (op && op->tid != tid) {
		flags |= AOD_F_ASYNC_CALL;
		learn_cifsd(op->target, tid);
	}
	if (seq)
		bpf_map_delete_elem(&data, &key);
	if (!seq || !op_end(seq, status, flags))
		count(&losses.unseen[command_of(e->command)]);
	return 0;
}

static __always_inline __u64 switches_of_current(void)
{
	struct task_struct *task = (void *)bpf_get_current_task();

	return BPF_CORE_READ(task, nvcsw);
}

static __always_inline struct call *call_of(__u32 tid)
{
	static const struct call none;
	struct call *call = bpf_map_lookup_elem(&calls, &tid);

	if (call)
		return call;
	bpf_map_update_elem(&calls, &tid, &none, BPF_ANY);
	return bpf_map_lookup_elem(&calls, &tid);
}

/*
 * Is this request one more member of the task's compound? The members are made under the connection's lock with rising ids, and the task sleeps
 * only when they are sent.
 */
static __always_inline bool goes_on(const struct call *call, const struct event *e, __u64 switches)
{
	if (!call->n || call->n >= MAX_CHAIN || call->ended || call->session != e->session || call->switches != switches)
		return false;
	return e->mid > call->last && e->mid - call->last <= MAX_STRIDE;
}

static __always_inline void leave(struct call *call)
{
	for (__u32 i = 0; i < MAX_CHAIN; i++) {
		if (i >= call->n)
			break;
		if (!(call->ended >> i & 1))
			op_left(call->seq[i]);
	}
	call->n = 0;
	call->ended = 0;
}

static __always_inline int call_begin(const struct event *e)
{
	__u64 switches = switches_of_current();
	struct call *call = call_of(bpf_get_current_pid_tgid());
	struct aod_smb_op *op;
	__u64 seq;
	__u32 n;

	if (!call) {
		count(&losses.tasks_full);
		return 0;
	}
	if (!goes_on(call, e, switches)) {
		leave(call);
		call->session = e->session;
		call->switches = switches;
	}
	seq = op_begin(e->session, e->mid, e->tree, e->command);
	n = call->n;
	if (!seq || n >= MAX_CHAIN)
		return 0;
	call->seq[n] = seq;
	call->mid[n] = call->last = e->mid;
	call->n = n + 1;
	if (n) {
		op = op_new(seq);
		op->lead = call->seq[0];
		op->flags |= AOD_F_COMPOUND;
		op = n == 1 ? op_of(call->seq[0]) : NULL;
		if (op) {
			op->lead = op->seq;
			op->flags |= AOD_F_COMPOUND;
		}
	}
	op_publish(seq);
	return 0;
}

static __always_inline int call_end(const struct event *e, __u32 status, bool last)
{
	__u32 tid = bpf_get_current_pid_tgid();
	struct call *call = bpf_map_lookup_elem(&calls, &tid);
	bool found = false;

	for (__u32 i = 0; call && i < MAX_CHAIN; i++) {
		bool same;

		if (i >= call->n)
			break;
		same = call->mid[i] == e->mid;
		if (same)
			found = true;
		else if (!found || !last)
			continue;
		if (call->ended >> i & 1)
			continue; /* evaluated a second time */
		call->ended |= 1u << i;
		op_end(call->seq[i], same ? status : 0, same ? AOD_F_STATUS : 0);
	}
	if (!found)
		count(&losses.unseen[command_of(e->command)]);
	return 0;
}

SEC("raw_tp/smb3_cmd_enter")
int begin_t(struct bpf_raw_tracepoint_args *ctx)
{
	struct event e = event_of(ctx);

	if (e.command == SMB2_ECHO || e.command == SMB2_CANCEL)
		return 0;
	return is_data(e.command) ? data_begin(&e) : call_begin(&e);
}

SEC("raw_tp/smb3_cmd_done")
int done_t(struct bpf_raw_tracepoint_args *ctx)
{
	struct event e = event_of(ctx);

	return is_data(e.command) ? data_end(&e, 0) : call_end(&e, 0, false);
}

SEC("raw_tp/smb3_cmd_err")
int error_t(struct bpf_raw_tracepoint_args *ctx)
{
	struct event e = event_of(ctx);
	__u32 status = ctx->args[4];

	/* a status that the client takes for an error ends the evaluation of a compound */
	return is_data(e.command) ? data_end(&e, status) : call_end(&e, status, (__s32)ctx->args[5] < 0);
}

SEC("raw_tp/smb3_reconnect")
int reconnect_t(struct bpf_raw_tracepoint_args *ctx)
{
	struct aod_trace_reconnect *r = &trace.reconnects[events.reconnects & (AOD_TRACE_RECONNECTS - 1)];

	r->at = bpf_ktime_get_ns();
	r->tid = (__u32)bpf_get_current_pid_tgid();
	events.last_reconnect = r->at;
	count(&events.reconnects);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
