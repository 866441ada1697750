// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Reads requests from stdin as aod-probe does, and says on stderr what it was asked; stdout carries the frames. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include "wire/wire.h"

void wire_set(const struct aod_settings *settings)
{
	fprintf(stderr, "set %llu %llx\n", settings->inflight_ns, settings->smb.slow_ns[AOD_COMMANDS - 1]);
}

void wire_history(const struct aod_history_request *wanted)
{
	fprintf(stderr, "history %llu %u\n", wanted->from, wanted->token);
}

/* Of the load: not reached from here. */
int load_set_section(struct bpf_object *object, const char *section, const void *value, size_t size)
{
	abort();
}

int main(void)
{
	const struct probe probe = { .request = wire_request };

	if (out_init())
		return 9;
	while (requests_read(&probe))
		;
	return fail_exit();
}
