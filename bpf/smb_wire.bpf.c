// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * smb_wire: every SMB2/3 request of the Linux client from the wait for credits to its release.
 *
 * A request takes the next slot of a mapped ring when it is created; the ring is the history. A mapped table leads from the
 * kernel's request pointer to the slot, because (session, message id) is not unique. Nothing here makes a system call
 * necessary: user space reads the maps, and only outliers go through the ring buffer.
 *
 * Each hook exists twice, as fentry/fexit and as kprobe/kretprobe, over one body; aod-probe chooses (probe/ladder.c).
 */
#include <linux/bpf.h>
#include <linux/ptrace.h>
#include <stdbool.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_core_read.h>
#include "cifs_types.h"
#include "smb_wire.h"
#include "smb_wire_maps.h"
#include "smb_wire_params.h"
#include "smb_wire_phases.h"

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

static __always_inline __u32 opener_of(struct work_struct *work)
{
	struct cifsFileInfo *file = (void *)((char *)work - bpf_core_field_offset(struct cifsFileInfo, deferred) -
					     bpf_core_field_offset(struct delayed_work, work));

	return BPF_CORE_READ(file, pid);
}

SEC("fentry/wait_for_free_credits")
int BPF_PROG(credits_f, struct TCP_Server_Info *server)
{
	return wait_begin(server->conn_id, AOD_WAIT_CREDITS);
}

SEC("fexit/wait_for_free_credits")
int BPF_PROG(credits_done_f, struct TCP_Server_Info *server, int n, int timeout, int flags, void *instance, int ret)
{
	return wait_end(AOD_WAIT_CREDITS, ret);
}

SEC("fentry/smb2_wait_mtu_credits")
int BPF_PROG(mtu_credits_f, struct TCP_Server_Info *server)
{
	return wait_begin(server->conn_id, AOD_WAIT_MTU);
}

SEC("fexit/smb2_wait_mtu_credits")
int BPF_PROG(mtu_credits_done_f, struct TCP_Server_Info *server, unsigned long size, void *num, void *credits, int ret)
{
	return wait_end(AOD_WAIT_MTU, ret);
}

SEC("fexit/smb2_setup_request")
int BPF_PROG(create_f, void *ses, struct TCP_Server_Info *server, struct smb_rqst *rqst, struct mid_q_entry *mid)
{
	return created(server, rqst, mid, false, true);
}

SEC("fexit/smb2_setup_async_request")
int BPF_PROG(create_async_f, struct TCP_Server_Info *server, struct smb_rqst *rqst, struct mid_q_entry *mid)
{
	return created(server, rqst, mid, true, true);
}

SEC("fexit/__smb_send_rqst")
int BPF_PROG(send_f, void *server, int n, void *rqst, int ret)
{
	return op_sent(ret);
}

SEC("fentry/dequeue_mid")
int BPF_PROG(answer_f, struct mid_q_entry *mid)
{
	return op_answered(key_of(mid, true), mid->resp_buf);
}

SEC("fentry/dequeue_mid")
int BPF_PROG(answer_by_f, void *server, struct mid_q_entry *mid)
{
	return op_answered(key_of(mid, true), mid->resp_buf);
}

SEC("fentry/__release_mid")
int BPF_PROG(release_f, struct kref *refcount)
{
	return released(refcount, true);
}

SEC("fentry/__release_mid")
int BPF_PROG(release_by_f, struct TCP_Server_Info *server, struct mid_q_entry *mid)
{
	return released_by(server, mid, true);
}

SEC("fentry/smb2_deferred_work_close")
int BPF_PROG(deferred_close_f, struct work_struct *work)
{
	return note_opener(opener_of(work));
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

SEC("fentry/smb2_async_writev")
int BPF_PROG(write_f, struct cifs_io_subrequest *write)
{
	return writeback(write);
}

SEC("tp_btf/smb3_reconnect")
int BPF_PROG(reconnect_f)
{
	return reconnected();
}

SEC("kprobe/wait_for_free_credits")
int BPF_KPROBE(credits_k, struct TCP_Server_Info *server)
{
	return wait_begin(BPF_CORE_READ(server, conn_id), AOD_WAIT_CREDITS);
}

SEC("kretprobe/wait_for_free_credits")
int BPF_KRETPROBE(credits_done_k, int ret)
{
	return wait_end(AOD_WAIT_CREDITS, ret);
}

SEC("kprobe/smb2_wait_mtu_credits")
int BPF_KPROBE(mtu_credits_k, struct TCP_Server_Info *server)
{
	return wait_begin(BPF_CORE_READ(server, conn_id), AOD_WAIT_MTU);
}

SEC("kretprobe/smb2_wait_mtu_credits")
int BPF_KRETPROBE(mtu_credits_done_k, int ret)
{
	return wait_end(AOD_WAIT_MTU, ret);
}

/* A return probe does not see the arguments: the entry notes them for it. */
SEC("kprobe/smb2_setup_request")
int BPF_KPROBE(create_k, void *ses, void *server, void *rqst)
{
	return call_note(server, rqst);
}

SEC("kretprobe/smb2_setup_request")
int BPF_KRETPROBE(create_done_k, struct mid_q_entry *mid)
{
	return created_noted(mid, false);
}

SEC("kprobe/smb2_setup_async_request")
int BPF_KPROBE(create_async_k, void *server, void *rqst)
{
	return call_note(server, rqst);
}

SEC("kretprobe/smb2_setup_async_request")
int BPF_KRETPROBE(create_async_done_k, struct mid_q_entry *mid)
{
	return created_noted(mid, true);
}

SEC("kretprobe/__smb_send_rqst")
int BPF_KRETPROBE(send_k, int ret)
{
	return op_sent(ret);
}

SEC("kprobe/dequeue_mid")
int BPF_KPROBE(answer_k, struct mid_q_entry *mid)
{
	return op_answered(key_of(mid, false), BPF_CORE_READ(mid, resp_buf));
}

SEC("kprobe/dequeue_mid")
int BPF_KPROBE(answer_by_k, void *server, struct mid_q_entry *mid)
{
	return op_answered(key_of(mid, false), BPF_CORE_READ(mid, resp_buf));
}

SEC("kprobe/__release_mid")
int BPF_KPROBE(release_k, struct kref *refcount)
{
	return released(refcount, false);
}

SEC("kprobe/__release_mid")
int BPF_KPROBE(release_by_k, struct TCP_Server_Info *server, struct mid_q_entry *mid)
{
	return released_by(server, mid, false);
}

SEC("kprobe/smb2_deferred_work_close")
int BPF_KPROBE(deferred_close_k, struct work_struct *work)
{
	return note_opener(opener_of(work));
}

SEC("kprobe/smb2_async_writev")
int BPF_KPROBE(write_k, struct cifs_io_subrequest *write)
{
	return writeback(write);
}

SEC("raw_tp/smb3_reconnect")
int reconnect_k(void *ctx)
{
	return reconnected();
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
