// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * rpc_trace: the RPCs of the NFS client on kernels whose modules have no BTF. No struct's layout is known there; what is known are the records of
 * the trace points, whose layout tracefs tells. They name a task by its client's number and its own. It keeps the memory of nfs_rpc.
 *
 * - rpc_task_begin is raised in the task that asks, and does not say what for; rpc_request says it, and may be in a worker.
 * - rpc_stats_latency is what enters mountstats. Its figures are whole µs.
 * - No trace point tells the end of a task: rpc_task_complete comes when the client's number is gone from it, and not always. The kprobe on
 *   rpc_task_release_client tells the task's address alone; which task that is, the thread knows that has just ended its last attempt.
 * See docs/decisions/0009.
 */
#include <linux/bpf.h>
#include <linux/ptrace.h>
#include <stdbool.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_core_read.h>
#include "nfs_types.h"
#include "rpc_trace.h"
#include "histogram.h"
#include "nfs_procedures.h"
#define RING AOD_RPC_TRACE_RING
#define TARGETS AOD_RPC_TRACE_TARGETS
#include "nfs_rpc_maps.h"
#include "op_number.h"
#include "rpc_trace_maps.h"
#include "rpc_trace_targets.h"
#include "nfs_rpc_end.h"
#include "rpc_trace_record.h"
#include "rpc_trace_ops.h"

SEC("tp/sunrpc/rpc_task_begin")
int begin_t(void *ctx)
{
	return op_begun(ctx);
}

SEC("tp/sunrpc/rpc_request")
int request_t(void *ctx)
{
	return op_requested(ctx);
}

SEC("tp/sunrpc/rpc_xdr_sendto")
int send_t(void *ctx)
{
	return op_send(ctx);
}

SEC("tp/sunrpc/xprt_transmit")
int sent_t(void *ctx)
{
	return op_sent(ctx);
}

SEC("tp/sunrpc/rpc_timeout_status")
int timeout_t(void *ctx)
{
	struct aod_index_entry *entry;
	struct aod_rpc_op *op = op_of(key_at(ctx, AT_TIMEOUT_CLIENT, AT_TIMEOUT_TASK), &entry);

	if (op)
		op->timeouts++;
	return 0;
}

SEC("tp/sunrpc/rpc_call_rpcerror")
int error_t(void *ctx)
{
	struct aod_index_entry *entry;
	struct aod_rpc_op *op = op_of(key_at(ctx, AT_ERROR_CLIENT, AT_ERROR_TASK), &entry);

	if (op)
		op->rpc_status = number_at(ctx, AT_ERROR_STATUS);
	return 0;
}

static __always_inline struct ended *ended_here(void)
{
	static const struct ended none;
	__u32 tid = bpf_get_current_pid_tgid();
	struct ended *ended = bpf_map_lookup_elem(&ends, &tid);

	if (ended)
		return ended;
	bpf_map_update_elem(&ends, &tid, &none, BPF_ANY);
	return bpf_map_lookup_elem(&ends, &tid);
}

/* These two see the same event, in whichever order. */
SEC("tp/sunrpc/rpc_task_end")
int attempt_t(void *ctx)
{
	__u64 request = op_attempted(ctx);
	struct ended *ended = ended_here();

	if (ended)
		ended->request = request;
	return 0;
}

SEC("raw_tp/rpc_task_end")
int attempt_r(struct bpf_raw_tracepoint_args *ctx)
{
	struct ended *ended = ended_here();

	if (ended)
		ended->task = ctx->args[0];
	return 0;
}

SEC("tp/sunrpc/rpc_stats_latency")
int latency_t(void *ctx)
{
	return op_counted(ctx);
}

SEC("kprobe/rpc_task_release_client")
int BPF_KPROBE(release_k, void *task)
{
	__u32 tid = bpf_get_current_pid_tgid();
	struct ended *ended = bpf_map_lookup_elem(&ends, &tid);

	if (!ended || ended->task != (__u64)task)
		return 0;
	ended->task = 0;
	return op_released(ended->request);
}

SEC("tp/sunrpc/rpc_clnt_new")
int client_new_t(void *ctx)
{
	const __u32 client = number_at(ctx, AT_NEW_CLIENT);
	struct aod_rpc_target *target;
	__u32 slot;

	if (!is_nfs(ctx, AT_NEW_PROGRAM))
		return 0;
	target_gone(client); /* the end of an earlier one may have been missed */
	slot = target_of(client);
	if (!slot)
		return 0;
	target = &targets[slot & (TARGETS - 1)];
	text_at(target->server, sizeof(target->server), ctx, AT_NEW_SERVER);
	text_at(target->address, sizeof(target->address), ctx, AT_NEW_ADDRESS);
	return 0;
}

SEC("tp/sunrpc/rpc_clnt_free")
int client_free_t(void *ctx)
{
	target_gone(number_at(ctx, AT_FREE_CLIENT));
	return 0;
}

/* The RPC is made right after this, by the same thread. */
static __always_inline int data_begun(const void *ctx, enum aod_rpc_at device, enum aod_rpc_at inode, enum aod_rpc_at offset, enum aod_rpc_at bytes)
{
	struct about about = {
		.inode = long_at(ctx, inode), .offset = long_at(ctx, offset), .count = number_at(ctx, bytes), .device = number_at(ctx, device),
	};
	__u32 tid = bpf_get_current_pid_tgid();

	bpf_map_update_elem(&data, &tid, &about, BPF_ANY);
	return 0;
}

SEC("tp/nfs/nfs_initiate_read")
int read_t(void *ctx)
{
	return data_begun(ctx, AT_READ_DEVICE, AT_READ_INODE, AT_READ_OFFSET, AT_READ_COUNT);
}

SEC("tp/nfs/nfs_initiate_write")
int write_t(void *ctx)
{
	return data_begun(ctx, AT_WRITE_DEVICE, AT_WRITE_INODE, AT_WRITE_OFFSET, AT_WRITE_COUNT);
}

SEC("tp/nfs/nfs_initiate_commit")
int commit_t(void *ctx)
{
	return data_begun(ctx, AT_COMMIT_DEVICE, AT_COMMIT_INODE, AT_COMMIT_OFFSET, AT_COMMIT_COUNT);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
