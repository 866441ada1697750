// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Where the fields stand in the records of trace points: tracefs tells it of each event, as EVENT/format, for the running kernel. */
#define _GNU_SOURCE /* memrchr */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "without_btf.h"

struct field {
	enum aod_rpc_at at;
	const char *hook;
	const char *event;
	const char *name;
	int size; /* that the program reads; of a text the place where it stands */
};

static const struct field fields[] = {
	{ AT_BEGIN_CLIENT, "begin", "sunrpc/rpc_task_begin", "client_id", 4 },
	{ AT_BEGIN_TASK, "begin", "sunrpc/rpc_task_begin", "task_id", 4 },
	{ AT_BEGIN_FLAGS, "begin", "sunrpc/rpc_task_begin", "flags", 2 },
	{ AT_REQUEST_CLIENT, "request", "sunrpc/rpc_request", "client_id", 4 },
	{ AT_REQUEST_TASK, "request", "sunrpc/rpc_request", "task_id", 4 },
	{ AT_REQUEST_VERSION, "request", "sunrpc/rpc_request", "version", 4 },
	{ AT_REQUEST_PROGRAM, "request", "sunrpc/rpc_request", "progname", 4 },
	{ AT_REQUEST_PROCEDURE, "request", "sunrpc/rpc_request", "procname", 4 },
	{ AT_SEND_CLIENT, "transmit", "sunrpc/rpc_xdr_sendto", "client_id", 4 },
	{ AT_SEND_TASK, "transmit", "sunrpc/rpc_xdr_sendto", "task_id", 4 },
	{ AT_SENT_CLIENT, "transmit", "sunrpc/xprt_transmit", "client_id", 4 },
	{ AT_SENT_TASK, "transmit", "sunrpc/xprt_transmit", "task_id", 4 },
	{ AT_SENT_STATUS, "transmit", "sunrpc/xprt_transmit", "status", 4 },
	{ AT_TIMEOUT_CLIENT, "timeout", "sunrpc/rpc_timeout_status", "client_id", 4 },
	{ AT_TIMEOUT_TASK, "timeout", "sunrpc/rpc_timeout_status", "task_id", 4 },
	{ AT_ERROR_CLIENT, "rpc_error", "sunrpc/rpc_call_rpcerror", "client_id", 4 },
	{ AT_ERROR_TASK, "rpc_error", "sunrpc/rpc_call_rpcerror", "task_id", 4 },
	{ AT_ERROR_STATUS, "rpc_error", "sunrpc/rpc_call_rpcerror", "rpc_status", 4 },
	{ AT_END_CLIENT, "attempt", "sunrpc/rpc_task_end", "client_id", 4 },
	{ AT_END_TASK, "attempt", "sunrpc/rpc_task_end", "task_id", 4 },
	{ AT_END_STATUS, "attempt", "sunrpc/rpc_task_end", "status", 4 },
	{ AT_LATENCY_CLIENT, "latency", "sunrpc/rpc_stats_latency", "client_id", 4 },
	{ AT_LATENCY_TASK, "latency", "sunrpc/rpc_stats_latency", "task_id", 4 },
	{ AT_LATENCY_XID, "latency", "sunrpc/rpc_stats_latency", "xid", 4 },
	{ AT_LATENCY_PROGRAM, "latency", "sunrpc/rpc_stats_latency", "progname", 4 },
	{ AT_LATENCY_PROCEDURE, "latency", "sunrpc/rpc_stats_latency", "procname", 4 },
	{ AT_LATENCY_BACKLOG, "latency", "sunrpc/rpc_stats_latency", "backlog", 8 },
	{ AT_LATENCY_RTT, "latency", "sunrpc/rpc_stats_latency", "rtt", 8 },
	{ AT_LATENCY_EXECUTE, "latency", "sunrpc/rpc_stats_latency", "execute", 8 },
	{ AT_NEW_CLIENT, "client_new", "sunrpc/rpc_clnt_new", "client_id", 4 },
	{ AT_NEW_PROGRAM, "client_new", "sunrpc/rpc_clnt_new", "program", 4 },
	{ AT_NEW_SERVER, "client_new", "sunrpc/rpc_clnt_new", "server", 4 },
	{ AT_NEW_ADDRESS, "client_new", "sunrpc/rpc_clnt_new", "addr", 4 },
	{ AT_FREE_CLIENT, "client_gone", "sunrpc/rpc_clnt_free", "client_id", 4 },
	{ AT_READ_DEVICE, "read", "nfs/nfs_initiate_read", "dev", 4 },
	{ AT_READ_INODE, "read", "nfs/nfs_initiate_read", "fileid", 8 },
	{ AT_READ_OFFSET, "read", "nfs/nfs_initiate_read", "offset", 8 },
	{ AT_READ_COUNT, "read", "nfs/nfs_initiate_read", "count", 4 },
	{ AT_WRITE_DEVICE, "write", "nfs/nfs_initiate_write", "dev", 4 },
	{ AT_WRITE_INODE, "write", "nfs/nfs_initiate_write", "fileid", 8 },
	{ AT_WRITE_OFFSET, "write", "nfs/nfs_initiate_write", "offset", 8 },
	{ AT_WRITE_COUNT, "write", "nfs/nfs_initiate_write", "count", 4 },
	{ AT_COMMIT_DEVICE, "commit", "nfs/nfs_initiate_commit", "dev", 4 },
	{ AT_COMMIT_INODE, "commit", "nfs/nfs_initiate_commit", "fileid", 8 },
	{ AT_COMMIT_OFFSET, "commit", "nfs/nfs_initiate_commit", "offset", 8 },
	{ AT_COMMIT_COUNT, "commit", "nfs/nfs_initiate_commit", "count", 4 },
};

/* The last word of a declaration, without an array's length: `__data_loc char[] name`, `char name[16]`. */
static bool declares(const char *declaration, size_t n, const char *name)
{
	const char *last = memrchr(declaration, ' ', n);
	size_t length = last ? declaration + n - ++last : 0;

	if (last && memchr(last, '[', length))
		length = (const char *)memchr(last, '[', length) - last;
	return last && strlen(name) == length && !memcmp(last, name, length);
}

/* `	field:int status;	offset:32;	size:4;	signed:1;` - true when the line is of this field. */
static bool field_of(const char *line, const char *name, unsigned int *offset, int *size)
{
	static const char start[] = "\tfield:";
	const char *declaration = line + sizeof(start) - 1, *end;

	if (strncmp(line, start, sizeof(start) - 1))
		return false;
	end = strchr(declaration, ';');
	return end && declares(declaration, end - declaration, name) && sscanf(end, ";\toffset:%u;\tsize:%d;", offset, size) == 2;
}

static bool find(const char *events, const struct field *field, struct aod_rpc_layout *layout, char *why, size_t why_size)
{
	unsigned int offset = 0;
	bool found = false;
	char path[256], *line = NULL;
	size_t room = 0;
	int size = 0;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s/format", events, field->event);
	f = fopen(path, "re");
	if (!f) {
		snprintf(why, why_size, "this kernel has no trace point %s", field->event);
		return false;
	}
	while (!found && getline(&line, &room, f) > 0)
		found = field_of(line, field->name, &offset, &size);
	free(line);
	fclose(f);
	if (!found)
		snprintf(why, why_size, "the trace point %s has no field %s", field->event, field->name);
	else if (size != field->size || offset > 0xffff)
		snprintf(why, why_size, "%s of %s has %d bytes at %u, %d expected", field->name, field->event, size, offset, field->size);
	else
		layout->at[field->at] = offset;
	return found && size == field->size && offset <= 0xffff;
}

bool layout_find(const char *events, const char *hook, struct aod_rpc_layout *layout, char *why, size_t size)
{
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		if (!strcmp(fields[i].hook, hook) && !find(events, &fields[i], layout, why, size))
			return false;
	return true;
}
