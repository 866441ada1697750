// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The addresses of the RPC clients that are there before the probe: no trace point tells of them any more, but debugfs has
 * sunrpc/rpc_clnt/NUMBER/xprt/info. Where debugfs is not mounted their addresses are not known.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "without_btf.h"

#define HASH(x) ((x) * 0x9e3779b97f4a7c15ull)

static bool address_of(const char *clients, const char *client, char *address)
{
	char path[512], line[128];
	bool found = false;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s/xprt/info", clients, client);
	f = fopen(path, "re");
	while (f && !found && fgets(line, sizeof(line), f))
		found = sscanf(line, "addr: %47s", address) == 1;
	if (f)
		fclose(f);
	return found;
}

/* Of what finds no place the address is not known. */
static bool add(struct aod_rpc_known *known, const struct aod_rpc_known *new)
{
	for (int i = 0; i < AOD_RPC_TARGET_PROBES; i++) {
		struct aod_rpc_known *at = &known[((HASH(new->key) >> 57) + i) & (AOD_RPC_TRACE_TARGETS - 1)];

		if (at->key)
			continue;
		*at = *new;
		return true;
	}
	return false;
}

size_t known_fill(const char *clients, struct aod_rpc_known *known)
{
	DIR *directory = opendir(clients);
	struct dirent *entry;
	size_t n = 0;

	while (directory && (entry = readdir(directory))) {
		struct aod_rpc_known new = {};
		char *end;
		const unsigned long number = strtoul(entry->d_name, &end, 16);

		if (end == entry->d_name || *end)
			continue;
		new.key = number + 1;
		if (address_of(clients, entry->d_name, new.address))
			n += add(known, &new);
	}
	if (directory)
		closedir(directory);
	return n;
}
