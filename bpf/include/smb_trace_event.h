/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the trace points of a request say. */
#ifndef AOD_SMB_TRACE_EVENT_H
#define AOD_SMB_TRACE_EVENT_H

#define SMB2_READ 8
#define SMB2_WRITE 9
#define SMB2_CANCEL 12
#define SMB2_ECHO 13

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

#endif
