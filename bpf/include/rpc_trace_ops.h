/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The life of an op as the trace points' records tell it. */
#ifndef AOD_RPC_TRACE_OPS_H
#define AOD_RPC_TRACE_OPS_H

static __always_inline struct aod_rpc_op *op_of(__u64 request, struct aod_index_entry **entry)
{
	struct aod_rpc_op *op;

	*entry = request ? index_find(request) : NULL;
	op = *entry ? op_at((*entry)->at) : NULL;
	return op && op->request == request ? op : NULL;
}

static __always_inline void take_procedure(struct aod_rpc_op *op, const struct aod_rpc_number *name)
{
	__u32 row;

	op->procedure = number_of(name);
	op->wire = op->version == 4 ? !!op->procedure : op->procedure;
	__builtin_memcpy(op->name, name->text, sizeof(op->name));
	row = row_of(op->version, op->procedure);
	if (row < 2 * AOD_RPC_PROCEDURES && !procedures[row][0])
		__builtin_memcpy(procedures[row], name->text, sizeof(op->name));
}

static __noinline int op_end(struct aod_index_entry *entry, struct aod_rpc_op *op)
{
	if (entry && op && op_finish(entry, op))
		emit(op);
	return 0;
}

static __always_inline int op_begun(const void *ctx)
{
	const __u64 id = bpf_get_current_pid_tgid();
	const __u32 client = number_at(ctx, AT_BEGIN_CLIENT), tid = id, flags = number_at(ctx, AT_BEGIN_FLAGS) & 0xffff;
	const __u64 request = request_of(client, number_at(ctx, AT_BEGIN_TASK));
	struct task_struct *creator = (void *)bpf_get_current_task();
	struct about *about = bpf_map_lookup_elem(&data, &tid);
	struct begun begun = {};

	if (client == AOD_RPC_UNKNOWN)
		return 0; /* goes the other way: a callback's answer */
	if (about) {
		begun.about = *about;
		about->device = 0;
	}
	begun.at = bpf_ktime_get_ns();
	begun.cgroup = bpf_get_current_cgroup_id();
	begun.tid = id;
	begun.tgid = id >> 32;
	begun.uid = bpf_get_current_uid_gid();
	begun.flags = (flags & RPC_TASK_ASYNC ? AOD_RPC_F_ASYNC : 0) | (flags & RPC_TASK_SOFT ? AOD_RPC_F_SOFT : 0) |
		      (BPF_CORE_READ(creator, flags) & PF_KTHREAD ? AOD_RPC_F_WORKER : 0);
	bpf_get_current_comm(begun.comm, sizeof(begun.comm));
	bpf_map_update_elem(&begins, &request, &begun, BPF_ANY);
	return 0;
}

/* The op that its caller has been told to come again with, if this task is that. As in nfs_rpc. */
static __always_inline bool go_on(const struct begun *begun, __u64 request, __u32 client, __u32 procedure)
{
	const __u64 key = held_key((__u64)begun->tgid << 32 | begun->tid);
	struct aod_index_entry *held, *entry;
	struct aod_rpc_op *op = op_of(key, &held);

	if (!op)
		return false;
	if (op->version == 4 && procedure == V4_DELEGRETURN && op->begun_as != procedure)
		return false; /* on the way to trying again the client gives a delegation back */
	entry = op->client == client && op->begun_as == procedure ? index_take(request) : NULL;
	if (!entry) {
		op_end(held, op);
		return false;
	}
	entry->at = held->at;
	op->request = request;
	op->tasks++;
	op->started = begun->at;
	op->closed = 0;
	op->rpc_status = 0;
	op->state = AOD_RPC_OPEN;
	held->request = 0;
	return true;
}

/* A new op; false when there is no room. */
static __always_inline bool op_new(const struct begun *begun, __u64 request, __u32 client, __u32 version, const struct aod_rpc_number *name)
{
	const __u64 seq = next_number();
	const __u32 position = (seq - 1) & (RING - 1);
	struct aod_index_entry *entry;
	struct aod_rpc_target *target;
	struct aod_rpc_op *op;

	if (!seq)
		return false;
	op = op_pointer(position);
	if (op->request)
		overtake(position);
	*(volatile __u64 *)&op->seq = seq;
	__builtin_memset(&op->request, 0, __builtin_offsetof(struct aod_rpc_op, seq_check) - __builtin_offsetof(struct aod_rpc_op, request));
	entry = index_take(request);
	if (!entry)
		return false;
	entry->at = position;
	attempts[position].transmissions = 0;
	attempts[position].sending = 0;
	op->request = request;
	op->created = begun->at;
	op->started = begun->at;
	op->cgroup = begun->cgroup;
	op->tid = begun->tid;
	op->tgid = begun->tgid;
	op->uid = begun->uid;
	op->flags = begun->flags | AOD_RPC_F_NO_BYTES;
	__builtin_memcpy(op->comm, begun->comm, sizeof(op->comm));
	op->tasks = 1;
	op->client = client;
	op->version = version;
	op->slot = target_of(client) & (TARGETS - 1);
	target = &targets[op->slot & (TARGETS - 1)];
	barrier_var(target); /* else its place is kept on the stack, where early 5.10 forgets how large it can be */
	op->target = target->id;
	if (op->slot)
		target->version = version;
	take_procedure(op, name);
	op->begun_as = op->procedure;
	if (begun->about.device) {
		op->inode = begun->about.inode;
		op->offset = begun->about.offset;
		op->count = begun->about.count;
		op->device = begun->about.device;
		op->flags |= AOD_RPC_F_RANGE;
		if (op->slot)
			target_learn(target, op->slot, op->device);
	}
	if (!op->device)
		op->device = target->device;
	op->state = AOD_RPC_OPEN;
	*(volatile __u64 *)&op->seq_check = seq;
	return true;
}

/* rpc_request: the task asks for the first time, or once more. */
static __always_inline int op_requested(const void *ctx)
{
	const __u32 client = number_at(ctx, AT_REQUEST_CLIENT), version = number_at(ctx, AT_REQUEST_VERSION);
	const __u64 request = request_of(client, number_at(ctx, AT_REQUEST_TASK));
	struct begun *begun = bpf_map_lookup_elem(&begins, &request);
	struct aod_index_entry *entry;
	struct aod_rpc_op *op = op_of(request, &entry);
	struct aod_rpc_number name;

	if (!begun) { /* once more */
		if (op) {
			op->rpc_status = 0;
			op->state = AOD_RPC_OPEN;
		}
		return 0;
	}
	if (is_nfs(ctx, AT_REQUEST_PROGRAM)) {
		if (op) { /* the numbers of tasks have 16 bits */
			op->state = AOD_RPC_GHOST;
			op->request = 0;
			count(&losses.ghosts);
		}
		if (entry)
			entry->request = 0;
		name_at(&name, ctx, AT_REQUEST_PROCEDURE, version);
		if (!go_on(begun, request, client, number_of(&name)))
			op_new(begun, request, client, version, &name);
	}
	bpf_map_delete_elem(&begins, &request);
	return 0;
}

static __always_inline struct attempt *attempt_of(__u64 request)
{
	struct aod_index_entry *entry;
	struct attempt *attempt;
	__u64 at;

	if (!op_of(request, &entry))
		return NULL;
	at = entry->at;
	if (at >= NOWHERE)
		return NULL;
	barrier_var(at);
	attempt = &attempts[at];
	barrier_var(attempt);
	return attempt;
}

/* rq_ntrans: counted before it is sent, and taken back when that fails. */
static __always_inline int op_send(const void *ctx)
{
	struct attempt *attempt = attempt_of(key_at(ctx, AT_SEND_CLIENT, AT_SEND_TASK));

	if (attempt) {
		attempt->transmissions++;
		attempt->sending = 1;
	}
	return 0;
}

static __always_inline int op_sent(const void *ctx)
{
	struct attempt *attempt = attempt_of(key_at(ctx, AT_SENT_CLIENT, AT_SENT_TASK));

	if (attempt && attempt->sending) {
		if (number_at(ctx, AT_SENT_STATUS) && attempt->transmissions)
			attempt->transmissions--;
		attempt->sending = 0;
	}
	return 0;
}

/* rpc_exit_task(): an attempt is over. Comes before op_counted(). */
static __always_inline __u64 op_attempted(const void *ctx)
{
	const __u64 request = key_at(ctx, AT_END_CLIENT, AT_END_TASK);
	struct aod_index_entry *entry;
	struct aod_rpc_op *op = op_of(request, &entry);

	if (!op)
		return 0;
	op->status = number_at(ctx, AT_END_STATUS);
	op->closed = bpf_ktime_get_ns();
	op->flags = (op->flags & ~AOD_RPC_F_REPLIED) | AOD_RPC_F_STATUS;
	op->state = AOD_RPC_ANSWERED;
	return request;
}

/* What the RPC layer adds to mountstats for an attempt; the record has whole µs. */
static __always_inline int op_counted(const void *ctx)
{
	const __u64 request = key_at(ctx, AT_LATENCY_CLIENT, AT_LATENCY_TASK);
	const __u64 backlog = long_at(ctx, AT_LATENCY_BACKLOG) * 1000, rtt = long_at(ctx, AT_LATENCY_RTT) * 1000;
	const __u64 execute = long_at(ctx, AT_LATENCY_EXECUTE) * 1000;
	struct attempt *attempt = attempt_of(request);
	struct aod_index_entry *entry;
	struct aod_rpc_op *op = op_of(request, &entry);
	struct aod_rpc_number name;

	if (!op || !attempt) {
		if (is_nfs(ctx, AT_LATENCY_PROGRAM))
			count(&losses.unseen);
		return 0;
	}
	name_at(&name, ctx, AT_LATENCY_PROCEDURE, op->version);
	take_procedure(op, &name);
	op->xid = number_at(ctx, AT_LATENCY_XID);
	op->transmissions += attempt->transmissions > 1 ? attempt->transmissions : 1;
	attempt->transmissions = 0;
	attempt->sending = 0;
	op->closed = bpf_ktime_get_ns();
	op->started = op->closed - execute;
	if (!op->attempts && op->tasks == 1)
		op->created = op->started;
	op->attempts++;
	op->backlog_ns = backlog;
	op->rtt_ns = rtt;
	op->execute_ns = execute;
	op->backlog_sum += backlog;
	op->rtt_sum += rtt;
	op->execute_sum += execute;
	if (rtt)
		op->flags |= AOD_RPC_F_REPLIED;
	return 0;
}

static __always_inline int op_released(__u64 request)
{
	struct aod_index_entry *entry, *held;
	struct aod_rpc_op *op = op_of(request, &entry);
	__u64 key;

	if (!op)
		return 0;
	if (!comes_again(op))
		return op_end(entry, op);
	key = held_key((__u64)op->tgid << 32 | op->tid);
	held = index_take(key);
	if (!held)
		return op_end(entry, op);
	held->at = entry->at;
	op->state = AOD_RPC_HELD;
	op->request = key;
	entry->request = 0;
	return 0;
}

#endif
