// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What may be asked of the SMB wire probe, and how it is set before anything was. */
#include <string.h>
#include "wire.h"

int wire_prepare(struct bpf_object *object)
{
	struct aod_smb_tunables tunables = {};

	/* nothing is slow and nothing an outlier until somebody says so */
	memset(tunables.slow_ns, 0xff, sizeof(tunables.slow_ns));
	return load_set_section(object, ".data.tunables", &tunables, sizeof(tunables));
}

bool wire_request(__u16 type, const void *payload, size_t size)
{
	struct aod_settings settings;
	struct aod_history_request wanted;

	if (type == AOD_REQUEST_SET && size == sizeof(settings)) {
		memcpy(&settings, payload, sizeof(settings));
		wire_set(&settings);
	} else if (type == AOD_REQUEST_HISTORY && size == sizeof(wanted)) {
		memcpy(&wanted, payload, sizeof(wanted));
		wire_history(&wanted);
	} else {
		return false;
	}
	return true;
}
