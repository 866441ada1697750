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
#include "smb_wire_request.h"

/*
 * While a task is preempted within a program, the program does not run for any other task on that processor (recursion_misses). A program
 * that disables preemption meanwhile is preempted where it enables it again, which is still within itself. So, where tasks are preempted,
 * a release has an understudy behind it: only if a task was preempted within each of the two is it missed. It attaches first and so runs
 * second (bpf_trampoline_link_prog() puts the newest in front), and must: it leaves alone what the first one has ended.
 */
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

SEC("fentry/smb2_readv_callback")
int BPF_PROG(read_f, struct mid_q_entry *mid)
{
	return read_over(mid, true);
}

SEC("fentry/smb2_readv_callback")
int BPF_PROG(read_by_f, void *server, struct mid_q_entry *mid)
{
	return read_over(mid, true);
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

SEC("fentry/__release_mid")
int BPF_PROG(again_by_f, struct TCP_Server_Info *server, struct mid_q_entry *mid)
{
	return index_find(key_of(mid, true)) ? released_by(server, mid, true) : 0;
}

SEC("fentry/smb2_deferred_work_close")
int BPF_PROG(deferred_close_f, struct work_struct *work)
{
	return note_opener(opener_of(work));
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

SEC("kprobe/smb2_readv_callback")
int BPF_KPROBE(read_k, struct mid_q_entry *mid)
{
	return read_over(mid, false);
}

SEC("kprobe/smb2_readv_callback")
int BPF_KPROBE(read_by_k, void *server, struct mid_q_entry *mid)
{
	return read_over(mid, false);
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
