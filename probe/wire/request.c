// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What may be asked of the SMB wire probe. */
#include <string.h>
#include "wire.h"

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
