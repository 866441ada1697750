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
#include "op_number.h"
#include "histogram.h"
#include "smb_trace_event.h"
#include "smb_trace_places.h"
#include "smb_trace_targets.h"
#include "smb_trace_ops.h"
#include "smb_trace_data.h"
#include "smb_trace_calls.h"

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
