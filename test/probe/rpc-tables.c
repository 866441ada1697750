// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What aod-probe tells rpc_trace. usage: rpc-tables numbers | events EVENTS | clients CLIENTS, directories as tracefs and debugfs have them */
#include <stdio.h>
#include <string.h>
#include "rpc/without_btf.h"

int main(int argc, char **argv)
{
	static struct aod_rpc_number numbers[AOD_RPC_NAMES];
	struct aod_rpc_layout layout = {};
	char why[112] = "";

	if (argc < 2)
		return 2;
	if (argc > 2 && !strcmp(argv[1], "clients")) {
		static struct aod_rpc_known known[AOD_RPC_TRACE_TARGETS];

		printf("%zu\n", known_fill(argv[2], known));
		for (int i = 0; i < AOD_RPC_TRACE_TARGETS; i++)
			if (known[i].key)
				printf("%llu %s\n", known[i].key - 1, known[i].address);
		return 0;
	}
	if (argc > 2) {
		layout_find(argv[2], "client_gone", &layout, why, sizeof(why));
		printf("%u %s\n", layout.at[AT_FREE_CLIENT], why);
		return 0;
	}
	if (!numbers_fill(numbers))
		return 1;
	for (int i = 0; i < AOD_RPC_NAMES; i++)
		if (numbers[i].version)
			printf("%u %u %s\n", numbers[i].version, numbers[i].number, numbers[i].text);
	return 0;
}
