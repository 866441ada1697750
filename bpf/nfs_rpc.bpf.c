// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * nfs_rpc: every RPC of the NFS client from its begin to its release, with the figures of the RPC layer's own statistics.
 *
 * An operation takes the next slot of a mapped ring when its rpc_task begins, in the context of who asked for it. rpc_stats_latency
 * tells each attempt as it enters mountstats. A task that is restarted stays the same op. What the client answers with sleeping and
 * making another task (NFS4ERR_DELAY, NFS3ERR_JUKEBOX) is held under the name of the caller until that task comes.
 *
 * The trace points are raw ones: their arguments are numbers, which may be compared and hashed as the verifier lets no typed pointer be.
 * The release has no trace point; it exists as fentry and as kprobe, and aod-probe chooses (probe/ladder.c).
 */
#include <linux/bpf.h>
#include <linux/ptrace.h>
#include <stdbool.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include "nfs_types.h"
#include "nfs_rpc.h"
#include "histogram.h"
#include "nfs_args.h"
#include "nfs_rpc_maps.h"
#include "nfs_rpc_claim.h"
#include "nfs_rpc_targets.h"
#include "nfs_rpc_end.h"
#include "nfs_rpc_ops.h"

SEC("raw_tp/rpc_task_begin")
int begin(struct bpf_raw_tracepoint_args *ctx)
{
	return op_begin((void *)ctx->args[0]);
}

SEC("raw_tp/rpc_task_end")
int attempt(struct bpf_raw_tracepoint_args *ctx)
{
	return op_attempted((void *)ctx->args[0]);
}

SEC("raw_tp/rpc_stats_latency")
int latency(struct bpf_raw_tracepoint_args *ctx)
{
	return op_counted((void *)ctx->args[0], ctx->args[1], ctx->args[2], ctx->args[3]);
}

SEC("raw_tp/rpc_clnt_free")
int client_free(struct bpf_raw_tracepoint_args *ctx)
{
	return target_gone(ctx->args[0]);
}

/* The argument as a number: read from where it lies. */
SEC("fentry/rpc_task_release_client")
int release_f(__u64 *ctx)
{
	struct rpc_task *task;

	if (bpf_probe_read_kernel(&task, sizeof(task), ctx))
		return 0;
	return op_released(task);
}

SEC("kprobe/rpc_task_release_client")
int BPF_KPROBE(release_k, struct rpc_task *task)
{
	return op_released(task);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
