// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * smb_vfs and nfs_vfs: every callback that the module gives to the VFS, from its begin to its end.
 *
 * No callback has a name here. aod-probe finds them in the running kernel, writes what is to be known of each into `callbacks`, and loads
 * a pair of these programs for each of them, with its number in the place of AOD_VFS_MARKER. `callbacks` is constant for the
 * verifier, so a clone consists of what its callback needs.
 *
 * As they stand here the programs end at the marker; they are loaded as kprobes so that libbpf completes them, and never attached.
 */
#include <linux/bpf.h>
#include <linux/ptrace.h>
#include <stdbool.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_core_read.h>
#include "frames.h"
#include "histogram.h"
#include "vfs_types.h"
#include "vfs_maps.h"
#include "vfs_args.h"
#include "vfs_names.h"
#include "vfs_begin.h"
#include "vfs_op.h"
#include "vfs_end.h"

static __always_inline __u64 marker(void)
{
	__u64 id;

	asm volatile("%0 = %1" : "=r"(id) : "i"(AOD_VFS_MARKER));
	return id;
}

SEC("kprobe")
int begin_f(void *ctx)
{
	__u64 id = marker(), v[AOD_VFS_ARGS] = {};

	if (id >= AOD_VFS_CALLBACKS)
		return 0;
#pragma unroll
	for (int i = 0; i < AOD_VFS_ARGS; i++)
		if (i < callbacks[id].n_args)
			bpf_get_func_arg(ctx, i, &v[i]);
	return begin(id, v, (__u64)ctx);
}

SEC("kprobe")
int end_f(void *ctx)
{
	__u64 id = marker(), ret = 0;

	if (id >= AOD_VFS_CALLBACKS)
		return 0;
	if (callbacks[id].returns != AOD_VFS_R_VOID)
		bpf_get_func_ret(ctx, &ret);
	return end(id, ret, (__u64)ctx); /* one trampoline calls both: this is where it was at the begin */
}

#if defined(__TARGET_ARCH_x86)
#define SIXTH(ctx) ((ctx)->r9)
#else
#define SIXTH(ctx) (((struct user_pt_regs *)(ctx))->regs[5])
#endif

SEC("kprobe")
int begin_k(struct pt_regs *ctx)
{
	__u64 id = marker();
	const __u64 v[AOD_VFS_ARGS] = { PT_REGS_PARM1(ctx), PT_REGS_PARM2(ctx), PT_REGS_PARM3(ctx), PT_REGS_PARM4(ctx), PT_REGS_PARM5(ctx), SIXTH(ctx) };

	if (id >= AOD_VFS_CALLBACKS)
		return 0;
	return return_is_seen(id) ? begin(id, v, PT_REGS_SP(ctx)) : 0;
}

SEC("kprobe")
int end_k(struct pt_regs *ctx)
{
	__u64 id = marker();

	if (id >= AOD_VFS_CALLBACKS)
		return 0;
	/* below 0: what had begun before the begins were attached */
	if (callbacks[id].instances && running[id] > 0)
		__sync_fetch_and_add(&running[id], -1);
	return end(id, PT_REGS_RC(ctx), PT_REGS_SP(ctx) - 8); /* the return address is off the stack (x86) */
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
