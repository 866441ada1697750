// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Which rung each hook can stand on: fentry where BTF has the function with enough arguments, else none: wrong arguments would be wrong for a
 * kprobe too. Whether ftrace can attach to it only trying tells for little (load.c goes down to the kprobe, then to none): the kernel
 * takes longer to write its list of functions than to attach. By what the kernel shows, never by its version.
 */
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "probe.h"

bool hook_hidden(const char *list, const char *role, const char *rung)
{
	char item[64];

	for (const char *at = list; at && *at; at += strspn(at, ",")) {
		size_t n = strcspn(at, ",");

		snprintf(item, sizeof(item), "%.*s", (int)n, at);
		at += n;
		if (!strcmp(item, role))
			return true;
		if (!strncmp(item, role, strlen(role)) && item[strlen(role)] == ':' && !strcmp(item + strlen(role) + 1, rung))
			return true;
	}
	return false;
}

/* How many arguments BTF gives a function; -1 when it is not there. */
static int arguments(const struct types *types, const char *function)
{
	const __u32 id = types_find(types, function, BTF_KIND_FUNC);
	const struct btf_type *type = id ? btf__type_by_id(types->btf, id) : NULL;
	const struct btf_type *proto = type ? btf__type_by_id(types->btf, type->type) : NULL;

	return proto ? btf_vlen(proto) : -1;
}

static bool has_tracepoint(const struct types *types, const char *event)
{
	char name[80];

	snprintf(name, sizeof(name), "btf_trace_%s", event);
	return types_find(types, name, BTF_KIND_TYPEDEF) > 0;
}

static void choose(struct hook *hook, const struct types *types, const struct options *options)
{
	const char *hide = options->hide;
	int args = hook->tracepoint ? 0 : arguments(types, hook->function);

	if (hook->wider.args && args >= hook->wider.args) {
		hook->args = hook->wider.args;
		memcpy(hook->fentry, hook->wider.fentry, sizeof(hook->fentry));
		memcpy(hook->kprobe, hook->wider.kprobe, sizeof(hook->kprobe));
	}
	if (hook->type && !types_find(types, hook->type, BTF_KIND_STRUCT)) {
		snprintf(hook->why, sizeof(hook->why), "not needed: this kernel has no struct %s", hook->type);
		return;
	}
	if (options->no_fentry || hook_hidden(hide, hook->name, "fentry"))
		snprintf(hook->why, sizeof(hook->why), "hidden by %s", options->no_fentry ? "--no-fentry" : "--hide");
	else if (hook->tracepoint && !has_tracepoint(types, hook->function))
		snprintf(hook->why, sizeof(hook->why), "no trace point %s in BTF", hook->function);
	else if (args < 0)
		snprintf(hook->why, sizeof(hook->why), "%s is not in BTF", hook->function);
	else if (args < hook->args)
		snprintf(hook->why, sizeof(hook->why), "%s has %d arguments, %d expected", hook->function, args, hook->args);
	else {
		hook->rung = AOD_RUNG_FENTRY;
		return;
	}
	if (args >= hook->args && !hook_hidden(hide, hook->name, "kprobe"))
		hook->rung = AOD_RUNG_KPROBE;
}

bool hook_stands(const struct probe *probe, const char *name)
{
	for (size_t i = 0; i < probe->n_hooks; i++)
		if (!strcmp(probe->hooks[i].name, name))
			return probe->hooks[i].rung != AOD_RUNG_NONE;
	return false;
}

/* Built in, the module's functions are in the kernel's own BTF, if it was built with BTF at all. */
static bool in_kernel(const struct types *kernel, const struct probe *probe)
{
	for (size_t i = 0; i < probe->n_hooks; i++) {
		const struct hook *hook = &probe->hooks[i];

		if (hook->tracepoint ? has_tracepoint(kernel, hook->function) : arguments(kernel, hook->function) >= 0)
			return true;
	}
	return false;
}

int ladder_ready(const struct options *options)
{
	char path[80];

	if (access("/sys/kernel/btf/vmlinux", R_OK))
		return fail(3, errno, "this kernel has no BTF (CONFIG_DEBUG_INFO_BTF): /sys/kernel/btf/vmlinux");
	snprintf(path, sizeof(path), "/sys/module/%s", options->module);
	if (access(path, F_OK))
		return fail(1, errno, "the module %s is not loaded; mount a share or run: modprobe %s", options->module, options->module);
	return 0;
}

bool ladder_module_btf(const struct options *options)
{
	char path[80];

	snprintf(path, sizeof(path), "/sys/kernel/btf/%s", options->module);
	if (!access(path, F_OK))
		return !hook_hidden(options->hide, "btf", "");
	/* what is built in has no state of its own */
	snprintf(path, sizeof(path), "/sys/module/%s/initstate", options->module);
	return access(path, F_OK) != 0;
}

const struct types *ladder_types(const struct options *options)
{
	char path[80];

	snprintf(path, sizeof(path), "/sys/kernel/btf/%s", options->module);
	return types_of(access(path, F_OK) ? KERNEL : options->module);
}

void ladder_no_btf(struct hook *hook, const struct options *options)
{
	char path[80];

	snprintf(path, sizeof(path), "/sys/kernel/btf/%s", options->module);
	snprintf(hook->why, sizeof(hook->why), "the module %s %s", options->module,
		 access(path, F_OK) ? "has no BTF (CONFIG_DEBUG_INFO_BTF_MODULES)" : "is taken to have no BTF: hidden by --hide");
}

int ladder_choose(const struct options *options)
{
	const struct probe *probe = options->probe;
	const struct types *types;
	int err = ladder_ready(options);

	if (err)
		return err;
	if (!types_of(KERNEL))
		return fail(3, errno, "cannot read the kernel's BTF");
	types = ladder_types(options);
	if (!types && errno == EPERM)
		return fail(3, errno, "may not read the BTF of the module %s: CAP_SYS_ADMIN is missing", options->module);
	if (!types)
		return fail(3, errno, "cannot read the BTF of the module %s (CONFIG_DEBUG_INFO_BTF_MODULES)", options->module);
	if (!strcmp(types->owner, KERNEL) && !in_kernel(types, probe))
		return fail(3, 0, "the module %s has no BTF (CONFIG_DEBUG_INFO_BTF_MODULES)", options->module);
	for (size_t i = 0; i < probe->n_hooks; i++)
		choose(&probe->hooks[i], types, options);
	return 0;
}
