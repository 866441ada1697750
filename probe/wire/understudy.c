// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Where the kernel preempts tasks within itself, a task preempted within a program keeps it from running for every other task of that
 * processor. There a hook with an understudy, a second program that does what the first one missed, keeps it; elsewhere it costs for nothing.
 */
#include <bpf/libbpf.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include "wire.h"

/* `model` is what /sys/kernel/debug/sched/preempt says, the one in use in parentheses; NULL where a kernel cannot change it, and its version tells. */
bool understudy_preempts(const char *model, const char *version)
{
	if (model && strchr(model, '('))
		return strstr(model, "(full)") || strstr(model, "(lazy)");
	return strstr(version, "PREEMPT");
}

static bool kernel_preempts(void)
{
	FILE *file = fopen("/sys/kernel/debug/sched/preempt", "re");
	struct utsname name = {};
	char model[80];
	bool read = file && fgets(model, sizeof(model), file);

	if (file)
		fclose(file);
	uname(&name);
	return understudy_preempts(read ? model : NULL, name.version);
}

bool understudy_keep(struct hook *hook, struct bpf_object *object)
{
	struct bpf_program *program;

	if (hook->rung != AOD_RUNG_FENTRY || !hook->fentry[1])
		return false;
	if (kernel_preempts())
		return true;
	program = bpf_object__find_program_by_name(object, hook->fentry[1]);
	if (program)
		bpf_program__set_autoload(program, false);
	hook->fentry[1] = NULL;
	return false;
}
