// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * For each callback a pair of programs: those of the BPF object as libbpf completed them, with the callback's number in the place of the
 * marker. One that cannot be attached costs its callback a rung, or that callback; nothing else.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "vfs.h"

enum side { BEGIN, END };

/* What is attached to one side of a callback; -1 = nothing. */
struct hold {
	int program, link;
};

static struct hold holds[AOD_VFS_CALLBACKS][2];
static int kprobe_type = -1, return_bit;
static char *verifier_log; /* with --verbose */

#define LOG_SIZE (1u << 20)

static int number_in(const char *path, const char *format)
{
	FILE *f = fopen(path, "re");
	int value = -1;

	if (!f)
		return -1;
	if (fscanf(f, format, &value) != 1)
		value = -1;
	fclose(f);
	return value;
}

static void release(struct hold *hold)
{
	if (hold->link >= 0)
		close(hold->link);
	if (hold->program >= 0)
		close(hold->program);
	*hold = (struct hold){ -1, -1 };
}

static int load_clone(const struct bpf_object *object, const char *name, const struct vfs_callback *c, enum bpf_prog_type type, enum bpf_attach_type attach)
{
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .expected_attach_type = attach);
	const struct bpf_program *from = bpf_object__find_program_by_name(object, name);
	const size_t n = from ? bpf_program__insn_cnt(from) : 0;
	struct bpf_insn *insns = calloc(n ? n : 1, sizeof(*insns));
	char short_name[16];
	int fd, patched = 0;

	if (!from || !insns) {
		free(insns);
		return -ENOMEM;
	}
	memcpy(insns, bpf_program__insns(from), n * sizeof(*insns));
	for (size_t i = 0; i < n; i++)
		if (insns[i].code == (BPF_ALU64 | BPF_MOV | BPF_K) && insns[i].imm == AOD_VFS_MARKER) {
			insns[i].imm = c->said.id;
			patched++;
		}
	if (type == BPF_PROG_TYPE_TRACING) {
		opts.attach_btf_id = c->btf_id;
		opts.attach_btf_obj_fd = c->btf_fd;
	}
	snprintf(short_name, sizeof(short_name), "%.15s", c->said.function);
	if (verifier_log) {
		opts.log_level = 1;
		opts.log_buf = verifier_log;
		opts.log_size = LOG_SIZE;
	}
	fd = patched ? bpf_prog_load(type, short_name, "Dual BSD/GPL", insns, n, &opts) : -ENOENT;
	if (fd < 0 && verifier_log)
		fprintf(stderr, "%s on %s: %s\n%s\n", name, c->said.function, strerror(-fd), verifier_log);
	free(insns);
	return fd;
}

static int attach_kprobe(int program, __u64 address, enum side side)
{
	struct perf_event_attr attr = {
		.type = kprobe_type, .size = sizeof(attr), .config = side == END ? 1ull << return_bit : 0, .kprobe_addr = address,
	};
	const int fd = syscall(SYS_perf_event_open, &attr, -1, 0, -1, PERF_FLAG_FD_CLOEXEC);
	int err;

	if (fd < 0)
		return -errno;
	if (!ioctl(fd, PERF_EVENT_IOC_SET_BPF, program) && !ioctl(fd, PERF_EVENT_IOC_ENABLE, 0))
		return fd;
	err = -errno;
	close(fd);
	return err;
}

static int load_side(const struct bpf_object *object, const struct vfs_callback *c, enum side side)
{
	if (c->said.rung == AOD_RUNG_FENTRY)
		return load_clone(object, side == END ? "end_f" : "begin_f", c, BPF_PROG_TYPE_TRACING, side == END ? BPF_TRACE_FEXIT : BPF_TRACE_FENTRY);
	return load_clone(object, side == END ? "end_k" : "begin_k", c, BPF_PROG_TYPE_KPROBE, 0);
}

static int attach_side(const struct vfs_callback *c, enum side side)
{
	struct hold *hold = &holds[c->said.id][side];
	const int fd = c->said.rung == AOD_RUNG_FENTRY ? bpf_raw_tracepoint_open(NULL, hold->program) : attach_kprobe(hold->program, c->address, side);

	hold->link = fd;
	return fd < 0 ? fd : 0;
}

static void step_down(struct vfs_callback *c, const char *what, int err)
{
	release(&holds[c->said.id][BEGIN]);
	release(&holds[c->said.id][END]);
	snprintf(c->said.why, sizeof(c->said.why), "%s: %s", what, strerror(-err));
	c->said.rung = c->said.rung == AOD_RUNG_FENTRY ? AOD_RUNG_KPROBE : AOD_RUNG_NONE;
}

static void load_pair(const struct bpf_object *object, struct vfs_callback *c)
{
	while (c->said.rung != AOD_RUNG_NONE) {
		int err = 0;

		for (enum side side = BEGIN; side <= END && !err; side++) {
			const int fd = load_side(object, c, side);

			holds[c->said.id][side].program = fd < 0 ? -1 : fd;
			err = fd < 0 ? fd : 0;
		}
		if (!err)
			return;
		step_down(c, "load", err);
	}
}

/* The lower rung is attached whole at once: there are few such callbacks. */
static void attach_or_step_down(const struct bpf_object *object, struct vfs_callback *c, enum side side)
{
	int err = c->said.rung == AOD_RUNG_NONE ? 0 : attach_side(c, side);

	while (err) {
		step_down(c, "attach", err);
		load_pair(object, c);
		if (c->said.rung == AOD_RUNG_NONE)
			return;
		err = attach_side(c, END);
		if (!err && side == BEGIN)
			err = attach_side(c, BEGIN);
	}
}

static void choose_rung(const struct options *options, struct vfs_callback *c)
{
	const char *hide = options->hide, *function = c->said.function;

	c->said.rung = AOD_RUNG_NONE;
	if (!function[0] || hook_hidden(hide, function, "")) {
		if (function[0])
			snprintf(c->said.why, sizeof(c->said.why), "hidden by --hide");
	} else if (c->said.shared && !options->shared) {
		snprintf(c->said.why, sizeof(c->said.why), "shared with others: asked for with --shared");
	} else if (options->no_fentry || hook_hidden(hide, function, "fentry")) {
		c->said.rung = AOD_RUNG_KPROBE;
		snprintf(c->said.why, sizeof(c->said.why), "hidden by %s", options->no_fentry ? "--no-fentry" : "--hide");
	} else {
		c->said.rung = c->btf_id ? AOD_RUNG_FENTRY : AOD_RUNG_KPROBE;
	}
	if (c->said.rung == AOD_RUNG_KPROBE && hook_hidden(hide, function, "kprobe"))
		c->said.rung = AOD_RUNG_NONE;
}

static int keep(struct loaded *loaded, const struct vfs_callbacks *callbacks)
{
	loaded->programs = 0;
	for (__u32 i = 0; i < callbacks->n; i++)
		for (enum side side = BEGIN; side <= END; side++) {
			if (holds[i][side].link < 0)
				continue;
			loaded->program_fds[loaded->programs] = holds[i][side].program;
			loaded->link_fds[loaded->programs++] = holds[i][side].link;
		}
	return loaded->programs ? 0 : fail(3, 0, "none of %u callbacks can be attached: %s", callbacks->n, callbacks->n ? callbacks->list[0].said.why : "");
}

/*
 * All ends before any begin: a call that begins while we attach is then seen to its end or not at all, and never seems to hang. Calls that
 * were under way before have an end without a begin, which is counted.
 */
int clones_attach(const struct options *options, struct loaded *loaded, struct vfs_callbacks *callbacks)
{
	_Static_assert(2 * AOD_VFS_CALLBACKS <= MAX_PROGRAMS, "every clone must have a place");

	memset(holds, 0xff, sizeof(holds));
	verifier_log = options->verbose ? malloc(LOG_SIZE) : NULL;
	kprobe_type = number_in("/sys/bus/event_source/devices/kprobe/type", "%d");
	return_bit = number_in("/sys/bus/event_source/devices/kprobe/format/retprobe", "config:%d");
	for (__u32 i = 0; i < callbacks->n; i++) {
		choose_rung(options, &callbacks->list[i]);
		load_pair(loaded->object, &callbacks->list[i]);
	}
	for (__u32 i = callbacks->n; i-- > 0;)
		attach_or_step_down(loaded->object, &callbacks->list[i], END);
	for (__u32 i = callbacks->n; i-- > 0;)
		attach_or_step_down(loaded->object, &callbacks->list[i], BEGIN);
	free(verifier_log);
	return keep(loaded, callbacks);
}
