// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <string.h>
#include "rpc.h"

void rpc_tell_targets(void)
{
	static struct aod_rpc_target told[AOD_RPC_TARGETS];
	struct aod_rpc_target news[AOD_RPC_TARGETS];
	size_t n = 0;

	for (__u32 i = 1; i < rpc.slots; i++) {
		struct aod_rpc_target t = rpc.targets[i];

		if (!t.id)
			continue;
		t.key = 0; /* a kernel address */
		if (!memcmp(&told[i], &t, sizeof(t)))
			continue;
		told[i] = t;
		news[n++] = t;
	}
	/* what does not fit is told the next time */
	if (n && !out_frame(AOD_FRAME_RPC_TARGETS, NULL, 0, news, n * sizeof(news[0])))
		memset(told, 0, sizeof(told));
}
