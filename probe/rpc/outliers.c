// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Records of the ring buffer -> frames: paths and ops come in turn, each path before its op. */
#include <errno.h>
#include <string.h>
#include "rpc.h"

static __u16 open_frame; /* type of the frame that is being filled, 0 = none */

void rpc_outliers_done(void)
{
	if (open_frame)
		out_close();
	open_frame = 0;
}

static void add(__u16 type, const void *record, size_t size)
{
	if (open_frame == type && out_add(record, size))
		return;
	rpc_outliers_done();
	rpc_tell_targets();
	if (out_room() > sizeof(struct aod_frame) + size && out_open(type, NULL, 0)) {
		open_frame = type;
		out_add(record, size);
		return;
	}
	rpc_lost_stdout++;
}

void rpc_emit_outlier(const struct aod_rpc_op *op)
{
	struct aod_rpc_op copy = *op;

	copy.request = 0;
	add(AOD_FRAME_OPS, &copy, sizeof(copy));
}

int rpc_outlier(void *context, void *data, size_t size)
{
	/* records are rounded up to 8 bytes, as both kinds are anyway */
	if (size == sizeof(struct aod_rpc_op))
		rpc_emit_outlier(data);
	else if (size == sizeof(struct aod_rpc_path))
		add(AOD_FRAME_RPC_PATHS, data, size);
	return out_room() > OUT_LOW ? 0 : -EAGAIN;
}
