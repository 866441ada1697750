// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What the kernel says of its preemption, and whether a task is preempted within the kernel. */
#include <stdio.h>
#include <bpf/libbpf.h>
#include "wire/wire.h"

/* Not called here: without fentry there is no understudy to leave out. */
struct bpf_program *bpf_object__find_program_by_name(const struct bpf_object *object, const char *name)
{
	return NULL;
}

int bpf_program__set_autoload(struct bpf_program *program, bool autoload)
{
	return 0;
}

static int wrong;

static void expect(bool preempts, const char *model, const char *version)
{
	if (understudy_preempts(model, version) == preempts)
		return;
	fprintf(stderr, "%s / %s: not %d\n", model ? model : "(none)", version, preempts);
	wrong = 1;
}

int main(void)
{
	const char *dynamic = "#1 SMP PREEMPT_DYNAMIC Debian 6.12.117-1 (2026-08-01)";

	expect(false, "none (voluntary) full\n", dynamic);
	expect(true, "none voluntary (full)\n", dynamic);
	expect(true, "full (lazy)\n", dynamic);
	expect(false, "(none) voluntary full lazy\n", dynamic);
	expect(true, NULL, dynamic);
	expect(true, NULL, "#1 SMP PREEMPT_RT");
	expect(false, NULL, "#1 SMP Debian 5.10.223-1");

	struct hook lower = { "release", "f", { "f", "again_f" }, { "k" }, .rung = AOD_RUNG_KPROBE };

	wrong |= understudy_keep(&lower, NULL);
	return wrong;
}
