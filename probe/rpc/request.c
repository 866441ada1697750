// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What may be asked of the NFS RPC probe, and how it is set before anything was. */
#include <string.h>
#include "rpc.h"

int rpc_prepare(const struct options *options, struct bpf_object *object, __u32 ring, __u32 slots)
{
	struct aod_rpc_tunables tunables = {};

	rpc_quiet(options->quiet_ms / options->tick_ms);
	rpc.ring = ring;
	rpc.slots = slots;
	/* nothing is slow and nothing an outlier until somebody says so */
	memset(tunables.slow_ns, 0xff, sizeof(tunables.slow_ns));
	return load_set_section(object, ".data.tunables", &tunables, sizeof(tunables));
}

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
