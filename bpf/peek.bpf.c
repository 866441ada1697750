// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Run by aod-probe itself, to read a module's tables of callbacks: an address and a size. An object of its own because it needs no type of
 * the kernel's: libbpf does not read the kernel's BTF for it.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "vfs.h"

__u64 peeked[AOD_VFS_PEEK / 8] SEC(".bss.peeked");

SEC("raw_tp")
int peek(struct bpf_raw_tracepoint_args *ctx)
{
	__u64 size = ctx->args[1];

	if (size > sizeof(peeked))
		return 1;
	return bpf_probe_read_kernel(peeked, size, (void *)ctx->args[0]) ? 1 : 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
