// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Opens the object, loads what the ladder chose, attaches it and maps the memory. What cannot be attached moves a rung down and all is loaded again. */
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
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

/*
 * What a fentry program attaches to. libbpf would look for each of them through all types of the kernel, and then of each module: that took
 * half of the time of a start.
 */
static int find_target(struct bpf_program *program, struct bpf_prog_load_opts *opts, long options)
{
	const struct types *types = ladder_types((const struct options *)options);
	const bool tracepoint = bpf_program__expected_attach_type(program) == BPF_TRACE_RAW_TP;
	const char *slash = strchr(bpf_program__section_name(program), '/');
	char name[80];

	if (!types || types->fd < 0 || !slash)
		return -ENOENT;
	snprintf(name, sizeof(name), "%s%s", tracepoint ? "btf_trace_" : "", slash + 1);
	opts->attach_btf_id = types_find(types, name, tracepoint ? BTF_KIND_TYPEDEF : BTF_KIND_FUNC);
	opts->attach_btf_obj_fd = types->fd;
	return opts->attach_btf_id ? 0 : -ENOENT;
}

static int attach_target(const struct bpf_program *program, long cookie, struct bpf_link **link)
{
	*link = bpf_program__attach_trace(program);
	return *link ? 0 : -errno;
}

static int take_targets(const struct options *options)
{
	LIBBPF_OPTS(libbpf_prog_handler_opts, handler, .cookie = (long)options, .prog_prepare_load_fn = find_target, .prog_attach_fn = attach_target);
	static const struct {
		const char *section;
		enum bpf_attach_type type;
	} sections[] = { { "fentry/", BPF_TRACE_FENTRY }, { "fexit/", BPF_TRACE_FEXIT }, { "tp_btf/", BPF_TRACE_RAW_TP } };

	for (size_t i = 0; i < ARRAY_SIZE(sections); i++) {
		int id = libbpf_register_prog_handler(sections[i].section, BPF_PROG_TYPE_TRACING, sections[i].type, &handler);

		if (id < 0)
			return fail(1, -id, "libbpf takes no handler of %s programs", sections[i].section);
	}
	return 0;
}

static const char *const *programs_of(const struct hook *hook)
{
	static const char *const none[2];

	switch (hook->rung) {
	case AOD_RUNG_FENTRY: return hook->fentry;
	case AOD_RUNG_KPROBE: return hook->kprobe;
	case AOD_RUNG_TRACE: return hook->trace;
	default: return none;
	}
}

static struct hook *hook_of(const struct probe *probe, const char *program)
{
	for (size_t i = 0; i < probe->n_hooks; i++)
		for (int j = 0; j < 2; j++) {
			const char *name = programs_of(&probe->hooks[i])[j];

			if (name && !strcmp(name, program))
				return &probe->hooks[i];
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

static int needed_hooks(const struct probe *probe)
{
	for (size_t i = 0; i < probe->n_hooks; i++) {
		const struct hook *hook = &probe->hooks[i];

		if (hook->needed && hook->rung == AOD_RUNG_NONE)
			return fail(3, 0, "%s cannot attach to %s: %s", probe->name, hook->function, hook->why);
	}
	return 0;
}

int object_beside(const char *object, const char *name, char *path, size_t size)
{
	const char *slash = strrchr(object, '/');
	const int directory = slash ? slash + 1 - object : 0;

	if (snprintf(path, size, "%.*s%s.bpf.o", directory, object, name) >= (int)size)
		return fail(1, ENAMETOOLONG, "the BPF object's path is too long");
	return 0;
}

static struct bpf_object *open_object(const struct options *options)
{
	struct bpf_object *object = bpf_object__open_file(options->object, NULL);
	struct bpf_program *program;

	if (!object) {
		fail(1, errno, "cannot open the BPF object %s", options->object);
		return NULL;
	}
	if (!options->probe->hooks)
		return object;
	bpf_object__for_each_program(program, object)
		bpf_program__set_autoload(program, hook_of(options->probe, bpf_program__name(program)) != NULL);
	return object;
}

/* 0 attached; 1 the hook went a rung down, load again; -errno. */
static int attach_program(const struct probe *probe, struct loaded *loaded, struct hook *hook, const char *name)
{
	struct bpf_program *program = bpf_object__find_program_by_name(loaded->object, name);
	struct bpf_link *link = program ? bpf_program__attach(program) : NULL;

	if (!program)
		return fail(1, 0, "the BPF object has no program %s: rebuild it together with aod-probe", name);
	if (!link)
		return step_down(hook, "attach", errno) ? 1 : needed_hooks(probe);
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
static int attach(const struct probe *probe, struct loaded *loaded)
{
	loaded->programs = 0;
	for (size_t i = probe->n_hooks; i-- > 0;)
		for (int j = 1; j >= 0; j--) {
			const char *name = programs_of(&probe->hooks[i])[j];
			int err = name ? attach_program(probe, loaded, &probe->hooks[i], name) : 0;

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

static int map_sections(struct bpf_object *object, const struct section *sections, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int err = map_section(object, sections[i].name, sections[i].size, sections[i].to);

		if (err)
			return err;
	}
	return 0;
}

int load_set_section(struct bpf_object *object, const char *section, const void *value, size_t size)
{
	struct bpf_map *map = bpf_object__find_map_by_name(object, section);
	int err = map ? bpf_map__set_initial_value(map, value, size) : -ENOENT;

	return err ? fail(1, -err, "the BPF object does not take its settings: rebuild it together with aod-probe") : 0;
}

/* Confidentiality takes the reading of kernel memory from BPF, and the kernel says EINVAL. */
static bool locked_down(void)
{
	char text[64] = "";
	int fd = open("/sys/kernel/security/lockdown", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	if (fd >= 0)
		close(fd);
	return n > 0 && strstr(text, "[confidentiality]");
}

/* libbpf keeps what each section began with, as large as the section, for as long as the object is open. */
static void forget_initial_values(struct bpf_object *object)
{
	struct bpf_map *map;

	bpf_object__for_each_map(map, object) {
		size_t size = 0;
		void *value = (void *)bpf_map__initial_value(map, &size);

		/* where libbpf has put the map itself there, the kernel refuses, and nothing is to be gained */
		if (value)
			madvise(value, size, MADV_REMOVE);
	}
}

/* Its pages are mapped twice, one behind the other, and each counts where it is mapped. */
static int size_outliers(const struct options *options, struct bpf_object *object)
{
	struct bpf_map *map = bpf_object__find_map_by_name(object, "outliers");
	int err = map ? bpf_map__set_max_entries(map, options->outliers_kib << 10) : -ENOENT;

	return err ? fail(1, -err, "the BPF object does not take the size of its ring buffer: rebuild it together with aod-probe") : 0;
}

int load_object(const struct options *options, struct loaded *loaded)
{
	const struct probe *probe = options->probe;
	int err;

	loaded->object = open_object(options);
	if (!loaded->object)
		return -1;
	err = probe->prepare ? probe->prepare(options, loaded->object) : 0;
	if (!err && options->outliers_kib)
		err = size_outliers(options, loaded->object);
	if (err)
		return err;
	err = bpf_object__load(loaded->object);
	if (err && locked_down())
		return fail(3, -err, "the kernel is locked down (confidentiality) and refuses the BPF programs");
	if (err)
		return fail(err == -EPERM ? 1 : 3, -err, "the kernel refuses the BPF programs");
	forget_initial_values(loaded->object);
	/* a round that is repeated leaves its mapping behind; there are few */
	err = map_sections(loaded->object, probe->sections, probe->n_sections);
	if (err)
		return err;
	loaded->outliers_fd = bpf_object__find_map_fd_by_name(loaded->object, "outliers");
	loaded->outliers = ring_buffer__new(loaded->outliers_fd, probe->on_outlier, NULL, NULL);
	return loaded->outliers ? 0 : fail(1, errno, "cannot map the ring buffer");
}

/* Everything up to the attached programs, once. 0, 1 = again, -errno. */
static int load_once(const struct options *options, struct loaded *loaded)
{
	int err = needed_hooks(options->probe);

	err = err ? err : load_object(options, loaded);
	return err ? err : attach(options->probe, loaded);
}

__u64 load_recursion_misses(const struct loaded *loaded)
{
	__u64 sum = 0;

	for (int i = 0; i < loaded->programs; i++) {
		struct bpf_prog_info info = {};
		__u32 size = sizeof(info);

		if (!bpf_obj_get_info_by_fd(loaded->program_fds[i], &info, &size))
			sum += info.recursion_misses;
	}
	return sum;
}

void load_listen(const struct options *options)
{
	verbose = options->verbose;
	libbpf_set_print(keep_warning);
}

int load_hooks(const struct options *options, struct loaded *loaded)
{
	int err = ladder_choose(options);

	err = err ? err : take_targets(options);
	return err ? err : load_chosen(options, loaded);
}

int load_chosen(const struct options *options, struct loaded *loaded)
{
	/* each round but the last takes one hook one rung down */
	for (size_t round = 0; round <= 2 * options->probe->n_hooks; round++) {
		const int err = load_once(options, loaded);

		if (err <= 0)
			return err;
		ring_buffer__free(loaded->outliers);
		bpf_object__close(loaded->object);
	}
	return fail(1, 0, "no rung holds");
}
