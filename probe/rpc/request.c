// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What may be asked of the NFS RPC probe. */
#include <string.h>
#include "rpc.h"

bool rpc_request(__u16 type, const void *payload, size_t size)
{
	struct aod_rpc_settings settings;
	struct aod_history_request wanted;

	if (type == AOD_REQUEST_SET && size == sizeof(settings)) {
		memcpy(&settings, payload, sizeof(settings));
		memcpy(rpc.tunables, &settings.rpc, sizeof(settings.rpc));
		rpc_inflight_ns = settings.inflight_ns;
	} else if (type == AOD_REQUEST_HISTORY && size == sizeof(wanted)) {
		memcpy(&wanted, payload, sizeof(wanted));
		rpc_history(&wanted);
	} else {
		return false;
	}
	return true;
}
