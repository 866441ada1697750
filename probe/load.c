// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Opens the object, loads what the ladder chose, attaches it and maps the memory. What cannot be attached moves a rung down and all is loaded again. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include "probe.h"

static bool verbose;

static int keep_warning(enum libbpf_print_level level, const char *format, va_list args)
{
	char line[200];

	if (verbose)
		return vfprintf(stderr, format, args);
	if (level != LIBBPF_WARN)
		return 0;
	vsnprintf(line, sizeof(line), format, args);
	fail_detail(line);
	return 0;
}

static const char *const *programs_of(const struct hook *hook)
{
	static const char *const none[2];

	return hook->rung == AOD_RUNG_FENTRY ? hook->fentry : hook->rung == AOD_RUNG_KPROBE ? hook->kprobe : none;
}

static struct hook *hook_of(const char *program)
{
	for (size_t i = 0; i < n_hooks; i++)
		for (int j = 0; j < 2; j++) {
			const char *name = programs_of(&hooks[i])[j];

			if (name && !strcmp(name, program))
				return &hooks[i];
		}
	return NULL;
}

/* One rung down. false: there is none left and the probe needs this hook. */
static bool step_down(struct hook *hook, const char *what, int err)
{
	snprintf(hook->why, sizeof(hook->why), "%s on %s: %s", what, hook->function, strerror(err));
	hook->rung = hook->rung == AOD_RUNG_FENTRY ? AOD_RUNG_KPROBE : AOD_RUNG_NONE;
	return hook->rung != AOD_RUNG_NONE || !hook->needed;
}

static int needed_hooks(void)
{
	for (size_t i = 0; i < n_hooks; i++)
		if (hooks[i].needed && hooks[i].rung == AOD_RUNG_NONE)
			return fail(3, 0, "smb_wire cannot attach to %s: %s", hooks[i].function, hooks[i].why);
	return 0;
}

static struct bpf_object *open_object(const char *path)
{
	struct bpf_object *object = bpf_object__open_file(path, NULL);
	struct bpf_program *program;

	if (!object) {
		fail(1, errno, "cannot open the BPF object %s", path);
		return NULL;
	}
	bpf_object__for_each_program(program, object)
		bpf_program__set_autoload(program, hook_of(bpf_program__name(program)) != NULL);
	return object;
}

/* 0 attached; 1 the hook went a rung down, load again; -errno. */
static int attach_program(struct loaded *loaded, struct hook *hook, const char *name)
{
	struct bpf_program *program = bpf_object__find_program_by_name(loaded->object, name);
	struct bpf_link *link = program ? bpf_program__attach(program) : NULL;

	if (!program)
		return fail(1, 0, "the BPF object has no program %s: rebuild it together with aod-probe", name);
	if (!link)
		return step_down(hook, "attach", errno) ? 1 : needed_hooks();
	if (loaded->programs == MAX_PROGRAMS)
		return fail(1, 0, "more than %d programs", MAX_PROGRAMS);
	loaded->program_fds[loaded->programs] = bpf_program__fd(program);
	loaded->link_fds[loaded->programs++] = bpf_link__fd(link);
	return 0;
}

/*
 * In the reverse order of a request's life, and the end of a function before its beginning: what begins while we attach is then
 * seen to its end, or not at all. The other way round it would seem to hang.
 */
static int attach(struct loaded *loaded)
{
	loaded->programs = 0;
	for (size_t i = n_hooks; i-- > 0;)
		for (int j = 1; j >= 0; j--) {
			const char *name = programs_of(&hooks[i])[j];
			int err = name ? attach_program(loaded, &hooks[i], name) : 0;

			if (err)
				return err;
		}
	return 0;
}

static int map_section(struct bpf_object *object, const char *section, size_t size, void *to)
{
	struct bpf_map *map = bpf_object__find_map_by_name(object, section);
	void *memory;

	if (!map || bpf_map__value_size(map) < size)
		return fail(1, 0, "the BPF object has no section %s of %zu bytes: rebuild it together with aod-probe", section, size);
	memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(map), 0);
	if (memory == MAP_FAILED)
		return fail(1, errno, "cannot map %s", section);
	*(void **)to = memory;
	return 0;
}

static int map_memory(struct loaded *loaded)
{
	struct wire *w = &loaded->wire;
	const struct {
		const char *section;
		size_t size;
		void *to;
	} sections[] = {
		{ ".bss.ops", sizeof(*w->ops) * (AOD_RING + AOD_OVERFLOW), &w->ops },
		{ ".bss.index", sizeof(*w->index) * AOD_INDEX, &w->index },
		{ ".bss.tasks", sizeof(*w->tasks) * AOD_TASKS, &w->tasks },
		{ ".bss.targets", sizeof(*w->targets) * AOD_TARGETS, &w->targets },
		{ ".bss.stats", sizeof(*w->stats) * AOD_TARGETS * AOD_COMMANDS, &w->stats },
		{ ".bss.losses", sizeof(*w->losses), &w->losses },
		{ ".bss.events", sizeof(*w->events), &w->events },
		{ ".bss.head", sizeof(*w->head), &w->head },
		{ ".data.tunables", sizeof(*w->tunables), &w->tunables },
	};

	for (size_t i = 0; i < ARRAY_SIZE(sections); i++) {
		int err = map_section(loaded->object, sections[i].section, sections[i].size, sections[i].to);

		if (err)
			return err;
	}
	/* nothing is slow and nothing an outlier until somebody says so */
	memset(w->tunables->slow_ns, 0xff, sizeof(w->tunables->slow_ns));
	return 0;
}

static bool stands(const char *name)
{
	for (size_t i = 0; i < n_hooks; i++)
		if (!strcmp(hooks[i].name, name))
			return hooks[i].rung != AOD_RUNG_NONE;
	return false;
}

static int set_knobs(struct bpf_object *object)
{
	const struct aod_smb_knobs knobs = { .send = stands("send"), .credits = stands("credits") && stands("mtu_credits") };
	struct bpf_map *map = bpf_object__find_map_by_name(object, ".rodata.knobs");
	int err = map ? bpf_map__set_initial_value(map, &knobs, sizeof(knobs)) : -ENOENT;

	return err ? fail(1, -err, "the BPF object does not take its settings: rebuild it together with aod-probe") : 0;
}

/* Everything up to the attached programs, once. 0, 1 = again, -errno. */
static int load_once(const struct options *options, struct loaded *loaded, int (*on_outlier)(void *, void *, size_t))
{
	int err = needed_hooks();

	if (err)
		return err;
	loaded->object = open_object(options->object);
	if (!loaded->object)
		return -1;
	err = set_knobs(loaded->object);
	if (err)
		return err;
	err = bpf_object__load(loaded->object);
	if (err)
		return fail(err == -EPERM ? 1 : 3, -err, "the kernel refuses the BPF programs");
	err = map_memory(loaded); /* a round that is repeated leaves its mapping behind; there are few */
	if (err)
		return err;
	loaded->outliers_fd = bpf_object__find_map_fd_by_name(loaded->object, "outliers");
	loaded->outliers = ring_buffer__new(loaded->outliers_fd, on_outlier, NULL, NULL);
	if (!loaded->outliers)
		return fail(1, errno, "cannot map the ring buffer");
	return attach(loaded);
}

int load(const struct options *options, struct loaded *loaded, int (*on_outlier)(void *, void *, size_t))
{
	int err;

	verbose = options->verbose;
	libbpf_set_print(keep_warning);
	/* each round but the last takes one hook one rung down */
	for (size_t round = 0; round <= 2 * n_hooks; round++) {
		err = load_once(options, loaded, on_outlier);
		if (err <= 0)
			return err;
		ring_buffer__free(loaded->outliers);
		bpf_object__close(loaded->object);
	}
	return fail(1, 0, "no rung holds");
}
