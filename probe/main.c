// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * aod-probe: loads and attaches one probe, drops every privilege, then answers frames on stdin and stdout until its parent ends.
 * Single-threaded on purpose: capabilities belong to threads.
 */
#include <bpf/libbpf.h>
#include <errno.h>
#include <getopt.h>
#include <malloc.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/timerfd.h>
#include <sys/utsname.h>
#include <unistd.h>
#include "probe.h"

#define FINISH_MS 1500 /* the parent waits 2 s */

static const struct probe *const probes[] = { &smb_wire, &smb_vfs, &nfs_vfs, &nfs_rpc };

static const char usage[] = "usage: aod-probe --probe NAME --object FILE [--module NAME] [--user UID] [--tick-ms N] [--quiet-ms N] [--outliers-kib N] [--hide ROLE[:fentry|:kprobe][,...]] [--no-fentry] [--params] [--types file,inode,adspace,super] [--shared] [--paths] [--verbose]\n       aod-probe --notify\n       aod-probe --keys PATH\n";

static const struct probe *find_probe(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(probes); i++)
		if (!strcmp(probes[i]->name, name))
			return probes[i];
	return NULL;
}

/* A bit per enum aod_vfs_type; 0 = not such a list. */
static __u8 parse_types(const char *list)
{
	static const char *const names[AOD_VFS_TYPES] = { "file", "inode", "adspace", "super" };
	__u8 types = 0;

	while (*list) {
		const size_t n = strcspn(list, ",");
		__u8 found = 0;

		for (int i = 0; i < AOD_VFS_TYPES; i++)
			if (strlen(names[i]) == n && !strncmp(list, names[i], n))
				found = 1 << i;
		if (!found)
			return 0;
		types |= found;
		list += n + (list[n] == ',');
	}
	return types;
}

static int parse(int argc, char **argv, struct options *o)
{
	static const struct option names[] = {
		{ "probe", required_argument, NULL, 'p' }, { "object", required_argument, NULL, 'o' }, { "module", required_argument, NULL, 'm' }, { "user", required_argument, NULL, 'u' },
		{ "tick-ms", required_argument, NULL, 't' }, { "quiet-ms", required_argument, NULL, 'q' }, { "outliers-kib", required_argument, NULL, 'k' }, { "hide", required_argument, NULL, 'h' }, { "no-fentry", no_argument, NULL, 'f' }, { "params", no_argument, NULL, 'P' }, { "verbose", no_argument, NULL, 'v' },
		{ "types", required_argument, NULL, 'T' }, { "shared", no_argument, NULL, 's' }, { "paths", no_argument, NULL, 'N' }, {},
	};
	int c;

	*o = (struct options){ .user = "65534", .tick_ms = 1000, .types = (1 << AOD_VFS_TYPES) - 1 };
	while ((c = getopt_long(argc, argv, "", names, NULL)) != -1) {
		switch (c) {
		case 'p': o->probe = find_probe(optarg); break;
		case 'o': o->object = optarg; break;
		case 'm': o->module = optarg; break;
		case 'u': o->user = optarg; break;
		case 't': o->tick_ms = strtoul(optarg, NULL, 10); break;
		case 'q': o->quiet_ms = strtoul(optarg, NULL, 10); break;
		case 'k': o->outliers_kib = strtoul(optarg, NULL, 10); break;
		case 'h': o->hide = optarg; break;
		case 'f': o->no_fentry = true; break;
		case 'P': o->params = true; break;
		case 'v': o->verbose = true; break;
		case 'T': o->types = parse_types(optarg); break;
		case 's': o->shared = true; break;
		case 'N': o->paths = true; break;
		default: return -EINVAL;
		}
	}
	if (o->probe && !o->module)
		o->module = o->probe->module;
	return o->probe && o->object && o->types && o->tick_ms >= 10 && optind == argc ? 0 : -EINVAL;
}

static int start_timer(unsigned int ms)
{
	const struct itimerspec every = { { ms / 1000, ms % 1000 * 1000000l }, { ms / 1000, ms % 1000 * 1000000l } };
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);

	if (fd < 0 || timerfd_settime(fd, 0, &every, NULL))
		return fail(1, errno, "cannot make a timer");
	return fd;
}

static int drop(const struct options *options, const struct loaded *loaded, int timer)
{
	int keep[2 * MAX_PROGRAMS + 3], n = 0;

	keep[n++] = timer;
	keep[n++] = loaded->outliers_fd;
	keep[n++] = ring_buffer__epoll_fd(loaded->outliers);
	for (int i = 0; i < loaded->programs; i++) {
		keep[n++] = loaded->program_fds[i];
		keep[n++] = loaded->link_fds[i];
	}
	return drop_privileges(options->user, keep, n);
}

static void say_hello(const struct options *options)
{
	const struct probe *probe = options->probe;
	struct aod_hello hello = { .pid = getpid(), .hooks = probe->n_hooks, .ring = probe->ring, .op_size = probe->op_size };
	struct utsname name;

	uname(&name);
	snprintf(hello.probe, sizeof(hello.probe), "%s", probe->name);
	snprintf(hello.module, sizeof(hello.module), "%s", options->module);
	snprintf(hello.release, sizeof(hello.release), "%.*s", (int)sizeof(hello.release) - 1, name.release);
	out_open(AOD_FRAME_HELLO, &hello, sizeof(hello));
	for (size_t i = 0; i < probe->n_hooks; i++) {
		const struct hook *from = &probe->hooks[i];
		struct aod_hook hook = { .rung = from->rung, .needed = from->needed };

		snprintf(hook.name, sizeof(hook.name), "%s", from->name);
		snprintf(hook.function, sizeof(hook.function), "%s", from->function);
		snprintf(hook.why, sizeof(hook.why), "%s", from->why);
		out_add(&hook, sizeof(hook));
	}
	if (probe->hello)
		probe->hello();
	out_close();
}

/*
 * Ops that follow one another within this time go out together: to wake up for each, and to wake its reader, costs more than the
 * op itself. The first one after a pause goes out at once.
 */
#define GATHER_MS 20

static void serve(const struct probe *probe, struct loaded *loaded, int timer)
{
	struct pollfd fds[] = {
		{ .fd = STDIN_FILENO, .events = POLLIN },
		{ .fd = timer, .events = POLLIN },
		{ .fd = ring_buffer__epoll_fd(loaded->outliers), .events = POLLIN },
		{ .fd = STDOUT_FILENO },
	};

	__u64 gathered = 0; /* until when */

	while (!out_flush()) {
		const __u64 now = now_ns();
		const int wait_ms = now < gathered ? (int)((gathered - now) / 1000000 + 1) : -1;
		__u64 ticks;

		/* while the reader is slow, what comes waits in the ring buffer; the kernel counts what finds no room there */
		fds[2].events = wait_ms < 0 && out_room() > OUT_LOW ? POLLIN : 0;
		if (probe->pump)
			probe->pump();
		fds[3].events = out_pending() ? POLLOUT : 0;
		if (poll(fds, ARRAY_SIZE(fds), wait_ms) < 0 && errno != EINTR)
			return;
		if (fds[3].revents & (POLLERR | POLLHUP))
			return;
		if (fds[0].revents && !requests_read(probe))
			return;
		if (fds[2].revents) {
			ring_buffer__consume(loaded->outliers);
			probe->outliers_done();
			gathered = now_ns() + GATHER_MS * 1000000ull;
		}
		if (fds[1].revents && read(timer, &ticks, sizeof(ticks)) == sizeof(ticks))
			probe->tick();
	}
}

/* The last words, before what takes long: the kernel detaches the programs when this process ends. */
static void finish(const struct probe *probe, const struct loaded *loaded)
{
	const __u64 end = now_ns() + FINISH_MS * 1000000ull;
	struct pollfd out = { .fd = STDOUT_FILENO, .events = POLLOUT };
	bool more = true, ticked = false;

	while ((more || !ticked || out_pending()) && now_ns() < end) {
		if (more && out_room() > OUT_LOW) {
			more = ring_buffer__consume(loaded->outliers) < 0;
			probe->outliers_done();
		} else if (!more && !ticked) {
			probe->tick();
			ticked = true;
		}
		if (out_flush() || (out_pending() && poll(&out, 1, 100) < 0 && errno != EINTR))
			break;
	}
	close(STDOUT_FILENO);
}

/* The probe that serves where the module has no BTF, with the object beside the one that was named. */
static int without_btf(struct options *options)
{
	static char object[4096];

	if (!options->probe->without_btf || ladder_module_btf(options))
		return 0;
	options->probe = options->probe->without_btf;
	if (object_beside(options->object, options->probe->name, object, sizeof(object)))
		return -1;
	options->object = object;
	return 0;
}

static int run(struct options *options)
{
	const struct probe *probe;
	static struct loaded loaded;
	struct pollfd waiting = { .fd = STDIN_FILENO, .events = POLLIN };
	int timer, err;

	if (geteuid())
		return fail(1, 0, "loading BPF programs into the module %s needs root", options->module);
	load_listen(options);
	if (without_btf(options))
		return -1;
	probe = options->probe;
	err = probe->load(options, &loaded);
	types_free();
	malloc_trim(0); /* the kernel's types took megabytes */
	if (err)
		return -1;
	timer = start_timer(options->tick_ms);
	if (timer < 0 || drop(options, &loaded, timer))
		return -1;
	probe->start(&loaded);
	/* settings that are already there hold from the first op that the reader can count on */
	if (poll(&waiting, 1, 0) > 0 && !requests_read(probe))
		return 0;
	say_hello(options);
	serve(probe, &loaded, timer);
	if (!failed())
		finish(probe, &loaded);
	return 0;
}

int main(int argc, char **argv)
{
	struct options options;

	/* Its tables are used in a few places: khugepaged would make memory of the rest. Where a kernel cannot, they only take more. */
	prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
	if (argc == 2 && !strcmp(argv[1], "--notify"))
		return notify_run();
	if (argc == 3 && !strcmp(argv[1], "--keys"))
		return keys_run(argv[2]);
	if (parse(argc, argv, &options)) {
		fputs(usage, stderr);
		return 2;
	}
	if (out_init()) {
		perror("aod-probe: stdout");
		return 1;
	}
	run(&options);
	return fail_exit();
}
