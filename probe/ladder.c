// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Which rung each hook can stand on: fentry where module BTF has the function with enough arguments and ftrace can attach to
 * it, else kprobe where the kernel has the symbol, else none. By what the kernel shows, never by its version.
 */
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "probe.h"

#define MAX_HOOKS 32

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

/*
 * Sets found[i] for each hook whose function stands in `file` as a whole word, with the module's name behind it, or without any when it is
 * built in: another module may have a function of the same name. 0 or -errno.
 */
static int look_up(const char *file, bool built_in, const struct options *options, bool *found)
{
	const struct probe *probe = options->probe;
	FILE *f = fopen(file, "re");
	char *line = NULL, tag[40];
	size_t size = 0;

	if (!f)
		return -errno;
	snprintf(tag, sizeof(tag), "[%s]", options->module);
	while (getline(&line, &size, f) > 0) {
		char *name = line, *save, *word;

		if (built_in ? !!strchr(line, '[') : !strstr(line, tag))
			continue;
		for (word = strtok_r(name, " \t\n", &save); word; word = strtok_r(NULL, " \t\n", &save))
			for (size_t i = 0; i < probe->n_hooks; i++)
				if (!strcmp(word, probe->hooks[i].function))
					found[i] = true;
	}
	free(line);
	fclose(f);
	return 0;
}

static int look_up_ftrace(bool built_in, const struct options *options, bool *found)
{
	int err = look_up("/sys/kernel/tracing/available_filter_functions", built_in, options, found);

	return err ? look_up("/sys/kernel/debug/tracing/available_filter_functions", built_in, options, found) : 0;
}

/* How many arguments BTF gives a function; -1 when it is not there. */
static int btf_args(const struct btf *btf, const char *function)
{
	int id = btf__find_by_name_kind(btf, function, BTF_KIND_FUNC);
	const struct btf_type *type = id > 0 ? btf__type_by_id(btf, id) : NULL;
	const struct btf_type *proto = type ? btf__type_by_id(btf, type->type) : NULL;

	return proto ? btf_vlen(proto) : -1;
}

static bool btf_tracepoint(const struct btf *btf, const char *event)
{
	char name[80];

	snprintf(name, sizeof(name), "btf_trace_%s", event);
	return btf__find_by_name_kind(btf, name, BTF_KIND_TYPEDEF) > 0;
}

static void choose(struct hook *hook, const struct btf *btf, bool ftrace, bool symbol, const struct options *options)
{
	const char *hide = options->hide;
	int args = hook->tracepoint ? 0 : btf_args(btf, hook->function);
	bool kprobe = hook->tracepoint || symbol;

	if (hook->wider.args && args >= hook->wider.args) {
		hook->args = hook->wider.args;
		memcpy(hook->fentry, hook->wider.fentry, sizeof(hook->fentry));
		memcpy(hook->kprobe, hook->wider.kprobe, sizeof(hook->kprobe));
	}
	if (hook->type && btf__find_by_name_kind(btf, hook->type, BTF_KIND_STRUCT) < 0) {
		snprintf(hook->why, sizeof(hook->why), "not needed: this kernel has no struct %s", hook->type);
		return;
	}
	if (options->no_fentry || hook_hidden(hide, hook->name, "fentry"))
		snprintf(hook->why, sizeof(hook->why), "hidden by %s", options->no_fentry ? "--no-fentry" : "--hide");
	else if (hook->tracepoint && !btf_tracepoint(btf, hook->function))
		snprintf(hook->why, sizeof(hook->why), "no trace point %s in BTF", hook->function);
	else if (args < 0)
		snprintf(hook->why, sizeof(hook->why), "%s is not in BTF", hook->function);
	else if (args < hook->args)
		snprintf(hook->why, sizeof(hook->why), "%s has %d arguments, %d expected", hook->function, args, hook->args);
	else if (!hook->tracepoint && !ftrace)
		snprintf(hook->why, sizeof(hook->why), "%s is not in available_filter_functions", hook->function);
	else {
		hook->rung = AOD_RUNG_FENTRY;
		return;
	}
	/* wrong arguments would be wrong for a kprobe too */
	if (kprobe && args >= hook->args && !hook_hidden(hide, hook->name, "kprobe"))
		hook->rung = AOD_RUNG_KPROBE;
	else if (!kprobe)
		snprintf(hook->why, sizeof(hook->why), "%s is not a symbol of this kernel", hook->function);
}

bool kernel_has(const char *function)
{
	struct btf *btf = btf__load_vmlinux_btf();
	bool has = btf && btf_args(btf, function) >= 0;

	btf__free(btf);
	return has;
}

bool hook_stands(const struct probe *probe, const char *name)
{
	for (size_t i = 0; i < probe->n_hooks; i++)
		if (!strcmp(probe->hooks[i].name, name))
			return probe->hooks[i].rung != AOD_RUNG_NONE;
	return false;
}

/* Built in, the module's functions are in the kernel's own BTF, if it was built with BTF at all. */
static bool in_btf(const struct btf *btf, const struct probe *probe)
{
	for (size_t i = 0; i < probe->n_hooks; i++)
		if (probe->hooks[i].tracepoint ? btf_tracepoint(btf, probe->hooks[i].function) : btf_args(btf, probe->hooks[i].function) >= 0)
			return true;
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

int ladder_choose(const struct options *options)
{
	struct btf *base = NULL, *module = NULL;
	struct hook *hooks = options->probe->hooks;
	const size_t n_hooks = options->probe->n_hooks;
	bool ftrace[MAX_HOOKS] = {}, symbol[MAX_HOOKS] = {}, built_in;
	char path[80];
	int err;

	if (n_hooks > MAX_HOOKS)
		return fail(1, 0, "more than %d hooks", MAX_HOOKS);
	err = ladder_ready(options);
	if (err)
		return err;
	snprintf(path, sizeof(path), "/sys/kernel/btf/%s", options->module);
	built_in = access(path, F_OK);

	base = btf__load_vmlinux_btf();
	if (!base)
		return fail(3, errno, "cannot read the kernel's BTF");
	module = built_in ? base : btf__load_module_btf(options->module, base);
	if (!module) {
		err = fail(3, errno, "cannot read the BTF of the module %s (CONFIG_DEBUG_INFO_BTF_MODULES)", options->module);
		goto out;
	}
	if (built_in && !in_btf(base, options->probe)) {
		err = fail(3, 0, "the module %s has no BTF (CONFIG_DEBUG_INFO_BTF_MODULES)", options->module);
		goto out;
	}
	err = look_up_ftrace(built_in, options, ftrace);
	if (err)
		fail_detail("tracefs is not readable: no available_filter_functions");
	for (size_t i = 0; i < n_hooks; i++)
		symbol[i] = ftrace[i];
	/* the symbols are read (200,000 lines) only when somebody needs the lower rung */
	for (size_t i = 0; i < n_hooks; i++)
		if (!ftrace[i] && !hooks[i].tracepoint) {
			look_up("/proc/kallsyms", built_in, options, symbol);
			break;
		}
	for (size_t i = 0; i < n_hooks; i++)
		choose(&hooks[i], module, ftrace[i], symbol[i], options);
	err = 0;
out:
	if (module != base)
		btf__free(module);
	btf__free(base);
	return err;
}
