/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The life of a request: waiting for credits, created, sent, answered, released. */
#ifndef AOD_SMB_WIRE_PHASES_H
#define AOD_SMB_WIRE_PHASES_H

#include "histogram.h"
#include "failures.h"
#include "smb_outlier.h"

#define MAX_CHAIN 12 /* members of a compound; the client's MAX_COMPOUND is 5 (6.1) or 10 */

static __always_inline int wait_begin(__u64 connection, __u32 kind)
{
	struct aod_task *t = task_claim(bpf_get_current_pid_tgid());

	if (!t)
		return 0;
	t->asked = bpf_ktime_get_ns();
	t->connection = connection;
	t->waiting = kind;
	return 0;
}

static __always_inline int wait_end(__u32 kind, int ret)
{
	struct aod_task *t = task_find(bpf_get_current_pid_tgid());

	if (!t)
		return 0;
	t->waiting = AOD_WAIT_NONE;
	if (kind == AOD_WAIT_MTU && !ret)
		t->granted_ns = bpf_ktime_get_ns() - t->asked + 1;
	if (kind == AOD_WAIT_MTU || ret)
		t->asked = 0;
	return 0;
}

static __always_inline int call_note(void *server, void *rqst)
{
	struct aod_task *t = task_claim(bpf_get_current_pid_tgid());

	if (t) {
		t->server = (__u64)server;
		t->rqst = (__u64)rqst;
	}
	return 0;
}

/* The task's next WRITE or CLOSE is for a file that another may have opened. */
static __always_inline int note_opener(__u32 opener)
{
	struct aod_task *t = task_claim(bpf_get_current_pid_tgid());

	if (t)
		t->opener = opener;
	return 0;
}

static __always_inline int reconnected(void)
{
	count(&events.reconnects);
	events.last_reconnect = bpf_ktime_get_ns();
	return 0;
}

/* The ring is about to overwrite a request that is still open: keep it elsewhere. Rare. */
static __noinline int overtake(__u32 position)
{
	struct aod_smb_op *op = &ops[position & (AOD_RING - 1)];
	__u64 request = op->request;
	struct aod_index_entry *entry = index_find(request);
	__u32 base = AOD_RING + ((HASH(request) >> 32) & (AOD_OVERFLOW - PROBES));

	if (!entry)
		return 0;
	for (__u32 i = 0; i < PROBES; i++) {
		struct aod_smb_op *to = &ops[base + i];

		if (__sync_val_compare_and_swap(&to->request, 0, request))
			continue;
		*(volatile __u64 *)&to->seq_check = 0;
		__builtin_memcpy(to, op, __builtin_offsetof(struct aod_smb_op, seq_check));
		to->flags |= AOD_F_OVERTAKEN;
		*(volatile __u64 *)&to->seq_check = op->seq;
		entry->at = base + i;
		return 0;
	}
	count(&losses.overflow_full);
	entry->request = 0;
	return 0;
}

/* Takes a slot and fills all but the name of the task; op_publish() ends it. */
static __always_inline struct aod_smb_op *op_begin(__u64 request, __u64 connection, __u16 command, void *header, bool async)
{
	struct smb2_request_part part; /* all 0 if it cannot be read */
	__u64 id = bpf_get_current_pid_tgid(), now, seq;
	struct aod_index_entry *entry = index_claim(request);
	struct aod_task *t = knobs.credits ? task_find(id) : task_claim(id);
	struct aod_smb_op *op;
	__u32 flags = async ? AOD_F_ASYNC_CALL : 0, position;

	if (!entry) {
		count(&losses.index_full);
		return NULL;
	}
	bpf_probe_read_kernel(&part, sizeof(part), header + SMB2_REQUEST_PART_AT);
	now = bpf_ktime_get_ns();
	seq = __sync_fetch_and_add(&head, 1) + 1;
	position = (seq - 1) & (AOD_RING - 1);
	op = op_pointer(position);
	if (op->request)
		overtake(position);
	*(volatile __u64 *)&op->seq = seq;
	entry->at = position;
	op->request = request;
	op->created = now;
	op->sent = 0;
	op->answered = 0;
	op->last_answer = 0;
	op->closed = 0;
	op->queue_ns = 0;
	op->mid = part.message_id;
	op->connection = connection;
	op->session = part.session_id;
	op->cgroup = bpf_get_current_cgroup_id();
	op->lead = part.next_command ? seq : 0;
	op->tree = part.tree_id;
	op->tid = id;
	op->tgid = id >> 32;
	op->opener = command == SMB2_READ || command == SMB2_WRITE ? part.process_id : 0;
	op->command = command;
	op->target = target_of(connection, part.session_id, part.tree_id);
	op->chain = 0;
	op->error = 0;
	if (t) {
		bool data = async && (command == SMB2_READ || command == SMB2_WRITE);

		if (data && t->granted_ns) {
			op->queue_ns = t->granted_ns - 1;
			t->granted_ns = 0;
			flags |= AOD_F_QUEUE;
		} else if (!data && t->asked) {
			op->queue_ns = now - t->asked;
			flags |= AOD_F_QUEUE;
		}
		if ((part.flags & SMB2_FLAGS_RELATED_OPERATIONS) && t->chain) {
			op->chain = t->chain;
			op->lead = ops[(t->chain - 1) & (AOD_RING - 1)].lead;
		}
		if (t->opener && (command == SMB2_CLOSE || command == SMB2_WRITE))
			op->opener = t->opener;
		t->chain = position + 1;
	} else if (knobs.credits) { /* else task_claim() has counted it */
		count(&losses.tasks_full);
	}
	op->flags = flags | (op->lead ? AOD_F_COMPOUND : 0);
	op->state = AOD_OP_OPEN;
	return op;
}

static __always_inline void op_publish(struct aod_smb_op *op)
{
	*(volatile __u64 *)&op->seq_check = op->seq;
}

static __always_inline int op_sent(int ret)
{
	struct aod_task *t = task_find(bpf_get_current_pid_tgid());
	__u64 now;
	__u32 at;

	if (!t || !t->chain)
		return 0;
	now = bpf_ktime_get_ns();
	at = t->chain;
	for (int i = 0; i < MAX_CHAIN && at; i++) {
		struct aod_smb_op *op = op_pointer((at - 1) & (AOD_RING - 1));

		op->sent = now;
		if (ret < 0) {
			op->flags |= AOD_F_SEND_FAILED;
			op->error = ret;
		}
		at = op->chain;
	}
	t->chain = 0;
	t->asked = 0;
	t->opener = 0;
	return 0;
}

static __always_inline void take_status(struct aod_smb_op *op, void *response)
{
	struct smb2_response_part part;
	__u32 flags = AOD_F_STATUS;

	/* every word copied costs: the async id, which few responses have, only where it is one */
	if (bpf_probe_read_kernel(&part, __builtin_offsetof(struct smb2_response_part, message_id), response + SMB2_RESPONSE_PART_AT))
		return;
	op->status = part.status;
	if (part.flags & SMB2_FLAGS_ASYNC_COMMAND) {
		bpf_probe_read_kernel(&op->async_id, sizeof(op->async_id),
				      response + SMB2_RESPONSE_PART_AT + __builtin_offsetof(struct smb2_response_part, async_id));
		flags |= AOD_F_WIRE_ASYNC;
	}
	op->flags |= flags;
}

/* The first member of an op's compound, or NULL when the ring has overtaken it. */
static __always_inline struct aod_smb_op *lead_of(const struct aod_smb_op *op)
{
	struct aod_smb_op *lead = op_pointer((op->lead - 1) & (AOD_RING - 1));

	return lead->seq == op->lead ? lead : NULL;
}

static __always_inline int op_answered(__u64 request, void *response)
{
	struct aod_index_entry *entry = index_find(request);
	struct aod_smb_op *op = entry ? op_at(entry->at) : NULL;

	if (!op)
		return 0;
	op->answered = bpf_ktime_get_ns();
	if (response) /* a plain READ gets its buffer after this */
		take_status(op, response);
	op->state = AOD_OP_ANSWERED;
	if (op->lead) {
		struct aod_smb_op *lead = lead_of(op);

		if (lead)
			lead->last_answer = op->answered;
	}
	return 0;
}

/* What the request itself says at its release. */
static __always_inline void op_look(struct aod_smb_op *op, int mid_state, bool cancelled, void *response)
{
	if (!op->answered && (mid_state == MID_RESPONSE_RECEIVED || mid_state == MID_RESPONSE_READY)) {
		op->answered = bpf_ktime_get_ns();
		op->flags |= AOD_F_LATE_ANSWER;
	}
	if (response && !(op->flags & AOD_F_STATUS))
		take_status(op, response);
	if (mid_state == MID_RETRY_NEEDED || mid_state == MID_RC)
		op->flags |= AOD_F_RETRY;
	else if (mid_state == MID_SHUTDOWN)
		op->flags |= AOD_F_SHUTDOWN;
	if (cancelled)
		op->flags |= AOD_F_CANCELLED;
}

/* It is over, and not in the statistics: nothing went to the server. An outlier only for who wants failures, or everything. */
static __always_inline void op_refused(struct aod_index_entry *entry, struct aod_smb_op *op, int error)
{
	struct aod_task *t = task_find(bpf_get_current_pid_tgid());
	__u32 command = command_of(op->command);

	if (t) {
		t->chain = 0;
		t->asked = 0;
	}
	op->flags |= AOD_F_NOT_MADE;
	op->error = error;
	op->closed = op->created;
	op->state = AOD_OP_CLOSED;
	op->request = 0;
	if (entry)
		entry->request = 0;
	op_publish(op);
	if (!tunables.slow_ns[command] || (tunables.error_commands >> command & 1))
		emit(op);
}

static __always_inline int op_end(struct aod_index_entry *entry, struct aod_smb_op *op)
{
	struct aod_smb_stats *s;
	__u64 now = bpf_ktime_get_ns(), latency;
	__u32 command, at;
	bool error, told;

	if (op->lead) {
		struct aod_smb_op *lead = lead_of(op);

		op->last_answer = lead ? lead->last_answer : 0;
	}
	/* answered and released while the call that sends it has not returned yet */
	if (knobs.send && !op->sent && op->answered)
		op->sent = now;
	op->closed = now;
	op->state = AOD_OP_CLOSED;
	op->request = 0;
	entry->request = 0;

	latency = op->queue_ns - op->created + ((op->flags & AOD_F_ASYNC_CALL) && op->answered ? op->answered : now);
	command = command_of(op->command);
	error = op->status >= 0xc0000000 && (op->flags & AOD_F_STATUS);
	at = op->target * AOD_COMMANDS + command;
	if (at < AOD_TARGETS * AOD_COMMANDS) {
		s = &stats[at];
		count(&s->count);
		__sync_fetch_and_add(&s->buckets[aod_bucket_of(latency)], 1);
		if (error)
			count(&s->errors);
	}
	told = op->status && (op->flags & AOD_F_STATUS) && failure_told(op->target, command, op->status);
	if (latency >= tunables.slow_ns[command] || (error && told && (tunables.error_commands >> command & 1)))
		emit(op);
	return 0;
}

#endif
