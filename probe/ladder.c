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

/* In the order of a request's life; load.c attaches them in the reverse order. */
struct hook hooks[] = {
	{ "credits", "wait_for_free_credits", { "credits_f", "credits_done_f" }, { "credits_k", "credits_done_k" }, 5 },
	{ "mtu_credits", "smb2_wait_mtu_credits", { "mtu_credits_f", "mtu_credits_done_f" }, { "mtu_credits_k", "mtu_credits_done_k" }, 4 },
	{ "create", "smb2_setup_request", { "create_f" }, { "create_k", "create_done_k" }, 3, .needed = true },
	{ "create_async", "smb2_setup_async_request", { "create_async_f" }, { "create_async_k", "create_async_done_k" }, 2, .needed = true },
	{ "send", "__smb_send_rqst", { "send_f" }, { "send_k" }, 3 },
	{ "answer", "dequeue_mid", { "answer_f" }, { "answer_k" }, 2 },
	{ "release", "__release_mid", { "release_f" }, { "release_k" }, 1, .needed = true },
	{ "deferred_close", "smb2_deferred_work_close", { "deferred_close_f" }, { "deferred_close_k" }, 1 },
	{ "write", "smb2_async_writev", { "write_f" }, { "write_k" }, 1, .type = "cifs_io_subrequest" },
	{ "reconnect", "smb3_reconnect", { "reconnect_f" }, { "reconnect_k" }, .tracepoint = true },
};
const size_t n_hooks = ARRAY_SIZE(hooks);

/* Is ROLE, or ROLE:RUNG, in the comma-separated list? */
static bool hidden(const char *list, const char *role, const char *rung)
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

/* Sets found[i] for each hook whose function stands in `file` as a whole word; module functions only, unless built in. 0 or -errno. */
static int look_up(const char *file, bool built_in, const char *module, bool *found)
{
	FILE *f = fopen(file, "re");
	char *line = NULL, tag[40];
	size_t size = 0;

	if (!f)
		return -errno;
	snprintf(tag, sizeof(tag), "[%s]", module);
	while (getline(&line, &size, f) > 0) {
		char *name = line, *save, *word;

		if (!built_in && !strstr(line, tag))
			continue;
		for (word = strtok_r(name, " \t\n", &save); word; word = strtok_r(NULL, " \t\n", &save))
			for (size_t i = 0; i < n_hooks; i++)
				if (!strcmp(word, hooks[i].function))
					found[i] = true;
	}
	free(line);
	fclose(f);
	return 0;
}

static int look_up_ftrace(bool built_in, const char *module, bool *found)
{
	int err = look_up("/sys/kernel/tracing/available_filter_functions", built_in, module, found);

	return err ? look_up("/sys/kernel/debug/tracing/available_filter_functions", built_in, module, found) : 0;
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

	if (hook->type && btf__find_by_name_kind(btf, hook->type, BTF_KIND_STRUCT) < 0) {
		snprintf(hook->why, sizeof(hook->why), "not needed: this kernel has no struct %s", hook->type);
		return;
	}
	if (options->no_fentry || hidden(hide, hook->name, "fentry"))
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
	if (kprobe && args >= hook->args && !hidden(hide, hook->name, "kprobe"))
		hook->rung = AOD_RUNG_KPROBE;
	else if (!kprobe)
		snprintf(hook->why, sizeof(hook->why), "%s is not a symbol of this kernel", hook->function);
}

int ladder_choose(const struct options *options)
{
	struct btf *base = NULL, *module = NULL;
	bool ftrace[ARRAY_SIZE(hooks)] = {}, symbol[ARRAY_SIZE(hooks)] = {}, built_in;
	char path[80];
	int err;

	if (access("/sys/kernel/btf/vmlinux", R_OK))
		return fail(3, errno, "this kernel has no BTF (CONFIG_DEBUG_INFO_BTF): /sys/kernel/btf/vmlinux");
	snprintf(path, sizeof(path), "/sys/module/%s", options->module);
	if (access(path, F_OK))
		return fail(1, errno, "the module %s is not loaded; mount a share or run: modprobe %s", options->module, options->module);
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
	if (built_in && btf_args(base, "smb2_setup_request") < 0) {
		err = fail(3, 0, "the module %s has no BTF (CONFIG_DEBUG_INFO_BTF_MODULES)", options->module);
		goto out;
	}
	err = look_up_ftrace(built_in, options->module, ftrace);
	if (err)
		fail_detail("tracefs is not readable: no available_filter_functions");
	for (size_t i = 0; i < n_hooks; i++)
		symbol[i] = ftrace[i];
	/* the symbols are read (200,000 lines) only when somebody needs the lower rung */
	for (size_t i = 0; i < n_hooks; i++)
		if (!ftrace[i] && !hooks[i].tracepoint) {
			look_up("/proc/kallsyms", built_in, options->module, symbol);
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
