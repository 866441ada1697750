/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The life of an op: begun, attempted once or more, released, and perhaps begun again in the name of the same caller. */
#ifndef AOD_NFS_RPC_OPS_H
#define AOD_NFS_RPC_OPS_H

static __always_inline __u64 task_key(const struct rpc_task *task)
{
	return (__u64)task;
}

/* What V4_READ_PLUS is here, by its name: kernels do not agree on its number. */
static __always_inline bool reads_plus(const struct aod_rpc_op *op)
{
	const char expected[] = "READ_PLUS";

	for (__u32 i = 0; i < sizeof(expected); i++)
		if (op->name[i] != expected[i])
			return false;
	return true;
}

/* The number by which about_op() knows the procedure; that on the wire in NFSv3. */
static __always_inline __u32 subject_procedure(const struct aod_rpc_op *op)
{
	if (op->version != 4)
		return op->wire;
	if (op->procedure <= V4_LAST_AGREED)
		return op->procedure;
	return reads_plus(op) ? V4_READ_PLUS : 0;
}

static __always_inline void emit_path(const struct aod_rpc_op *op, const struct rpc_task *task)
{
	struct aod_rpc_path *path = bpf_ringbuf_reserve(&outliers, sizeof(*path), 0);
	struct subject about;
	struct dentry *dentry, *parent;
	__u32 size = 0;

	if (!path) {
		count(&losses.ringbuf_full);
		return;
	}
	about_op(&about, task, op->version, subject_procedure(op));
	path->seq = op->seq;
	path->cut = 0;
	if (about.name) {
		long n = bpf_probe_read_kernel_str(path->text, 256, about.name);

		if (n > 0 && n <= 256)
			size = n;
	}
	dentry = alias_of(about.inode);
	for (int i = 0; i < AOD_RPC_DEPTH && dentry; i++) {
		long n;

		parent = BPF_CORE_READ(dentry, d_parent);
		if (!parent || parent == dentry)
			break;
		if (size > AOD_RPC_PATH - 256) {
			path->cut = 1;
			break;
		}
		n = bpf_probe_read_kernel_str(path->text + size, 256, BPF_CORE_READ(dentry, d_name.name));
		if (n <= 0 || n > 256)
			break;
		size += n;
		dentry = parent;
		if (i == AOD_RPC_DEPTH - 1)
			path->cut = 1;
	}
	path->size = size;
	if (size)
		bpf_ringbuf_submit(path, 0);
	else
		bpf_ringbuf_discard(path, 0);
}

/* The op is over. `task`: to look at for its path, NULL when it is gone. */
static __noinline int op_end(struct aod_index_entry *entry, struct aod_rpc_op *op, const struct rpc_task *task)
{
	if (!entry || !op || !op_finish(entry, op))
		return 0;
	if (tunables.paths && task)
		emit_path(op, task);
	emit(op);
	return 0;
}

/* What the task itself says of the procedure; the client may change it until it is sent. */
static __always_inline void take_procedure(struct aod_rpc_op *op, const struct rpc_procinfo *proc)
{
	__u32 procedure = BPF_CORE_READ(proc, p_statidx), row;

	op->procedure = procedure;
	op->wire = BPF_CORE_READ(proc, p_proc);
	if (bpf_probe_read_kernel_str(op->name, sizeof(op->name), BPF_CORE_READ(proc, p_name)) < 0)
		op->name[0] = 0;
	row = row_of(op->version, procedure);
	if (row < 2 * AOD_RPC_PROCEDURES && !procedures[row][0])
		__builtin_memcpy(procedures[row], op->name, sizeof(op->name));
}

static __always_inline void take_subject(struct aod_rpc_op *op, const struct rpc_task *task, struct rpc_clnt *clnt, struct aod_rpc_target *target)
{
	struct subject about;
	struct dentry *dentry;
	struct inode *inode;
	const void *name;
	long n = 0;

	about_op(&about, task, op->version, subject_procedure(op));
	if (about.range) {
		op->offset = about.offset;
		op->count = about.count;
		op->flags |= AOD_RPC_F_RANGE;
	}
	name = about.name;
	inode = about.inode;
	if (inode) {
		struct super_block *sb = BPF_CORE_READ(inode, i_sb);

		op->device = BPF_CORE_READ(sb, s_dev);
		if (!target->minor)
			target_learn(target, clnt, sb);
		if (!name) {
			op->inode = BPF_CORE_READ(inode, i_ino);
			dentry = alias_of(inode);
			name = dentry ? BPF_CORE_READ(dentry, d_name.name) : NULL;
		}
	}
	if (name)
		n = bpf_probe_read_kernel_str(op->file, sizeof(op->file), name);
	if (n == sizeof(op->file))
		op->flags |= AOD_RPC_F_CUT; /* or exactly as long: one character too few to know */
}

/* The op that this thread has been told to come again with, if this task is that. Otherwise that one is over, and what it got is its end. */
static __always_inline bool go_on(const struct rpc_task *task, __u64 id, __u32 client, __u32 procedure)
{
	struct aod_index_entry *held = index_find(held_key(id)), *entry;
	struct aod_rpc_op *op = held ? op_at(held->at) : NULL;

	if (!op || op->request != held_key(id))
		return false;
	if (op->version == 4 && procedure == V4_DELEGRETURN && op->begun_as != procedure)
		return false; /* on the way to trying again the client gives a delegation back */
	if (op->client != client || op->begun_as != procedure) {
		op_end(held, op, NULL);
		return false;
	}
	entry = index_claim(task_key(task));
	if (!entry) {
		count(&losses.index_full);
		op_end(held, op, NULL);
		return false;
	}
	entry->at = held->at;
	op->request = task_key(task);
	op->tasks++;
	op->started = BPF_CORE_READ(task, tk_start);
	op->closed = 0;
	op->state = AOD_RPC_OPEN;
	held->request = 0;
	return true;
}

static __always_inline int op_begin(const struct rpc_task *task)
{
	struct rpc_clnt *clnt = BPF_CORE_READ(task, tk_client);
	const struct rpc_procinfo *proc = BPF_CORE_READ(task, tk_msg.rpc_proc);
	__u64 id = bpf_get_current_pid_tgid(), seq;
	struct aod_index_entry *entry;
	struct task_struct *creator;
	struct aod_rpc_target *target;
	struct aod_rpc_op *op;
	__u32 position, client, task_flags;

	if (!clnt || !proc || BPF_CORE_READ(clnt, cl_prog) != NFS_PROGRAM)
		return 0;
	client = BPF_CORE_READ(clnt, cl_clid);
	if (go_on(task, id, client, BPF_CORE_READ(proc, p_statidx)))
		return 0;
	entry = index_claim(task_key(task));
	if (!entry) {
		count(&losses.index_full);
		return 0;
	}
	seq = __sync_fetch_and_add(&head, 1) + 1;
	position = (seq - 1) & (RING - 1);
	op = op_pointer(position);
	if (op->request)
		overtake(position);
	*(volatile __u64 *)&op->seq = seq;
	__builtin_memset(&op->created, 0, __builtin_offsetof(struct aod_rpc_op, seq_check) - __builtin_offsetof(struct aod_rpc_op, created));
	entry->at = position;
	op->request = task_key(task);
	op->created = BPF_CORE_READ(task, tk_start);
	op->started = op->created;
	op->cgroup = bpf_get_current_cgroup_id();
	op->tasks = 1;
	op->client = client;
	op->slot = target_of(clnt);
	target = &targets[op->slot & (TARGETS - 1)];
	op->target = target->id;
	op->tid = id;
	op->tgid = id >> 32;
	op->uid = bpf_get_current_uid_gid();
	op->version = BPF_CORE_READ(clnt, cl_vers);
	take_procedure(op, proc);
	op->begun_as = op->procedure;
	task_flags = BPF_CORE_READ(task, tk_flags);
	op->flags = (task_flags & RPC_TASK_ASYNC ? AOD_RPC_F_ASYNC : 0) | (task_flags & RPC_TASK_SOFT ? AOD_RPC_F_SOFT : 0);
	creator = bpf_get_current_task_btf();
	__builtin_memcpy(op->comm, creator->comm, sizeof(op->comm));
	if (creator->flags & PF_KTHREAD) {
		const struct cred *cred = BPF_CORE_READ(task, tk_msg.rpc_cred);

		op->flags |= AOD_RPC_F_WORKER;
		if (cred)
			op->uid = BPF_CORE_READ(cred, fsuid.val);
	}
	take_subject(op, task, clnt, target);
	if (!op->device)
		op->device = target->device;
	op->minor = target->minor;
	op->state = AOD_RPC_OPEN;
	*(volatile __u64 *)&op->seq_check = seq;
	return 0;
}

static __always_inline struct aod_rpc_op *op_of(const struct rpc_task *task, struct aod_index_entry **entry)
{
	*entry = index_find(task_key(task));
	return *entry ? op_at((*entry)->at) : NULL;
}

/* rpc_exit_task(): an attempt is over; what came of it, before the client looks at it. Comes before op_counted(). */
static __always_inline int op_attempted(const struct rpc_task *task)
{
	struct aod_index_entry *entry;
	struct aod_rpc_op *op = op_of(task, &entry);
	struct rpc_rqst *rqst;

	if (!op)
		return 0;
	op->status = BPF_CORE_READ(task, tk_status);
	op->rpc_status = BPF_CORE_READ(task, tk_rpc_status);
	op->closed = bpf_ktime_get_ns();
	rqst = BPF_CORE_READ(task, tk_rqstp);
	op->flags &= ~AOD_RPC_F_REPLIED;
	op->flags |= AOD_RPC_F_STATUS | (rqst && BPF_CORE_READ(rqst, rq_reply_bytes_recvd) ? AOD_RPC_F_REPLIED : 0);
	op->state = AOD_RPC_ANSWERED;
	return 0;
}

/* What the RPC layer adds to mountstats for an attempt. */
static __always_inline int op_counted(const struct rpc_task *task, __u64 backlog, __u64 rtt, __u64 execute)
{
	struct aod_index_entry *entry;
	struct aod_rpc_op *op = op_of(task, &entry);
	struct rpc_rqst *rqst = BPF_CORE_READ(task, tk_rqstp);
	const struct rpc_procinfo *proc;
	int transmissions;

	if (!op) {
		if (BPF_CORE_READ(task, tk_client, cl_prog) == NFS_PROGRAM)
			count(&losses.unseen);
		return 0;
	}
	proc = BPF_CORE_READ(task, tk_msg.rpc_proc);
	if (BPF_CORE_READ(proc, p_statidx) != op->procedure)
		take_procedure(op, proc);
	if (op->version == 4 && !op->minor)
		op->minor = minor_of_slot(task, BPF_CORE_READ(task, tk_client));
	transmissions = BPF_CORE_READ(rqst, rq_ntrans);
	op->xid = bpf_ntohl(BPF_CORE_READ(rqst, rq_xid));
	op->sent += BPF_CORE_READ(rqst, rq_xmit_bytes_sent);
	op->received += BPF_CORE_READ(rqst, rq_reply_bytes_recvd);
	op->timeouts += BPF_CORE_READ(task, tk_timeouts);
	op->attempts++;
	op->transmissions += transmissions > 1 ? transmissions : 1;
	op->started = BPF_CORE_READ(task, tk_start);
	op->backlog_ns = backlog;
	op->rtt_ns = rtt;
	op->execute_ns = execute;
	op->backlog_sum += backlog;
	op->rtt_sum += rtt;
	op->execute_sum += execute;
	op->closed = op->started + execute;
	return 0;
}

static __always_inline int op_released(const struct rpc_task *task)
{
	struct aod_index_entry *entry, *held;
	struct aod_rpc_op *op = op_of(task, &entry);
	__u64 key;

	if (!op)
		return 0;
	if (!comes_again(op))
		return op_end(entry, op, task);
	key = held_key((__u64)op->tgid << 32 | op->tid);
	held = index_claim(key);
	if (!held) {
		count(&losses.index_full);
		return op_end(entry, op, task);
	}
	held->at = entry->at;
	op->state = AOD_RPC_HELD;
	op->request = key;
	entry->request = 0;
	return 0;
}

#endif
