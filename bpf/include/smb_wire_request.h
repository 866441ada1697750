/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the hooks of smb_wire do with the kernel's structs; the same for every rung and every form of a function. */
#ifndef AOD_SMB_WIRE_REQUEST_H
#define AOD_SMB_WIRE_REQUEST_H

/* Read a member of a kernel struct: directly where the program type allows it, else through the helper. `direct` is a constant. */
#define GET(direct, p, member) ((direct) ? (p)->member : BPF_CORE_READ(p, member))

#define IS_ERR(p) ((unsigned long)(p) >= (unsigned long)-4095)

/*
 * A request is known by its distance from our own memory. The verifier lets no program calculate with a kernel pointer, but it
 * makes a number of the difference of two; and a kprobe, whose arguments are numbers, must arrive at the same one.
 */
static volatile __u64 base;

static __always_inline __u64 key_of(const void *mid, bool direct)
{
	if (direct)
		return (__u64)mid - (__u64)ops;
	base = (__u64)ops;
	return (__u64)mid - base;
}

/* The number that stands in a pointer's place: an error. */
static __always_inline int error_of(const void *mid, bool direct)
{
	__u64 key = key_of(mid, direct);

	base = (__u64)ops;
	return key + base;
}

static __always_inline void name_task(struct aod_smb_op *op)
{
	struct task_struct *creator = bpf_get_current_task_btf(); /* smb2_mid_entry_alloc() makes it the request's creator */
	__u64 *to = (__u64 *)op->comm, *from = (__u64 *)creator->comm;

	to[0] = from[0];
	to[1] = from[1];
	/* what bpf_get_current_uid_gid() gives too, in more instructions: the user as the first namespace numbers them */
	op->uid = creator->cred->uid.val;
}

/* The client refused to make the request: an op that is over as it begins. Its key is that of the buffers, which nobody else has meanwhile. Rare. */
static __noinline int not_made(struct smb_rqst *rqst, __u64 key, __u64 connection, bool async, int error)
{
	void *header = BPF_CORE_READ(rqst, rq_iov, iov_base);
	struct aod_smb_op *op;
	__u16 command = 0;

	bpf_probe_read_kernel(&command, sizeof(command), header + SMB2_COMMAND_AT);
	op = op_begin(key, connection, command, header, async);
	if (!op)
		return 0;
	name_task(op);
	if (knobs.params)
		params_send(op->seq, command, rqst);
	op_refused(index_find(key), op, error);
	return 0;
}

static __always_inline int created(struct TCP_Server_Info *server, struct smb_rqst *rqst, struct mid_q_entry *mid, bool async, bool direct)
{
	__u64 connection = GET(direct, server, conn_id);
	struct aod_smb_op *op;
	void *header;

	if (!mid)
		return 0;
	if (IS_ERR(mid))
		return not_made(rqst, key_of(rqst, direct), connection, async, error_of(mid, direct));
	header = direct ? rqst->rq_iov->iov_base : BPF_CORE_READ(rqst, rq_iov, iov_base);
	op = op_begin(key_of(mid, direct), connection, GET(direct, mid, command), header, async);
	if (!op)
		return 0;
	name_task(op);
	if (knobs.params)
		params_send(op->seq, op->command, rqst);
	op_publish(op);
	return 0;
}

static __always_inline int created_noted(struct mid_q_entry *mid, bool async)
{
	struct aod_task *t = task_find(bpf_get_current_pid_tgid());

	return t && t->rqst ? created((void *)t->server, (void *)t->rqst, mid, async, false) : 0;
}

/* Released without a seen begin. SMB1 requests are not ours; SMB2 knows its dialect before its first request is released. */
static __always_inline int unseen(struct TCP_Server_Info *server, struct mid_q_entry *mid)
{
	if (BPF_CORE_READ(server, dialect))
		count(&losses.unseen[command_of(BPF_CORE_READ(mid, command))]);
	return 0;
}

static __always_inline bool wait_cancelled(struct mid_q_entry *mid)
{
	struct mid_q_entry___bits *bits = (void *)mid;

	if (bpf_core_field_exists(mid->mid_flags))
		return BPF_CORE_READ(mid, mid_flags) & MID_WAIT_CANCELLED;
	return BPF_CORE_READ_BITFIELD_PROBED(bits, wait_cancelled);
}

/*
 * The fields of a request are read only when they can say something new: no answer seen, no status seen (a plain READ), or
 * released by another task than the one that waited for it (cancelled). Through the helper, because the verifier does not
 * follow a pointer to a member back to its struct.
 */
static __always_inline void ended(struct aod_index_entry *entry, struct aod_smb_op *op, struct mid_q_entry *mid)
{
	if (!op->answered || !(op->flags & AOD_F_STATUS) ||
	    (!(op->flags & AOD_F_ASYNC_CALL) && op->tid != (__u32)bpf_get_current_pid_tgid()))
		op_look(op, BPF_CORE_READ(mid, mid_state), wait_cancelled(mid), BPF_CORE_READ(mid, resp_buf));
	op_end(entry, op);
}

static __always_inline int released(struct kref *refcount, bool direct)
{
	struct mid_q_entry *mid = (void *)((char *)refcount - bpf_core_field_offset(struct mid_q_entry, refcount));
	struct aod_index_entry *entry = index_find(key_of(mid, direct));
	struct aod_smb_op *op = entry ? op_at(entry->at) : NULL;

	if (!op)
		return unseen(BPF_CORE_READ(mid, server), mid);
	ended(entry, op, mid);
	return 0;
}

static __always_inline int released_by(struct TCP_Server_Info *server, struct mid_q_entry *mid, bool direct)
{
	struct aod_index_entry *entry = index_find(key_of(mid, direct));
	struct aod_smb_op *op = entry ? op_at(entry->at) : NULL;

	if (!op)
		return unseen(server, mid);
	ended(entry, op, mid);
	return 0;
}

/* Where the response of a READ is while the client takes it over; not there before, and gone afterwards. */
static __always_inline void *read_response(struct mid_q_entry *mid)
{
	void *read = BPF_CORE_READ(mid, callback_data);

	if (bpf_core_field_exists(struct cifs_io_subrequest, iov))
		return BPF_CORE_READ((struct cifs_io_subrequest *)read, iov[0].iov_base);
	return BPF_CORE_READ((struct cifs_readdata *)read, iov[0].iov_base);
}

/*
 * A READ has its response. Its data are not kept with the request, so dequeue_mid has seen no status; and when a kernel worker decrypts it
 * (mount option esize=) dequeue_mid has not seen it at all. A reconnect comes here too.
 */
static __always_inline int read_over(struct mid_q_entry *mid, bool direct)
{
	struct aod_index_entry *entry = index_find(key_of(mid, direct));
	struct aod_smb_op *op = entry ? op_at(entry->at) : NULL;

	if (!op || GET(direct, mid, mid_state) != MID_RESPONSE_RECEIVED)
		return 0;
	if (!op->answered) {
		op->answered = bpf_ktime_get_ns();
		op->state = AOD_OP_ANSWERED;
	}
	if (!(op->flags & AOD_F_STATUS))
		take_status(op, read_response(mid));
	return 0;
}

static __always_inline __u32 opener_of(struct work_struct *work)
{
	struct cifsFileInfo *file = (void *)((char *)work - bpf_core_field_offset(struct cifsFileInfo, deferred) -
					     bpf_core_field_offset(struct delayed_work, work));

	return BPF_CORE_READ(file, pid);
}

/*
 * Since 6.10 the header of a writeback names the kernel worker; the file still knows who opened it. That is read through the
 * helper, because the verifier takes the union that holds `req` for its first member.
 */
static __always_inline int writeback(struct cifs_io_subrequest *write)
{
	if (!(bpf_get_current_task_btf()->flags & PF_KTHREAD))
		return 0;
	return note_opener(BPF_CORE_READ(write, req, cfile, pid));
}

#endif
