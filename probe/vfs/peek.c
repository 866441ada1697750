// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Reads the kernel's memory with a program that is run on the spot (BPF_PROG_TEST_RUN). It is closed again before anything is attached. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include "vfs.h"

static struct bpf_object *object;
static void *memory = MAP_FAILED;
static int program_fd = -1;

int peek_open(const char *beside)
{
	char path[4096];
	struct bpf_map *map;
	int err = object_beside(beside, "peek", path, sizeof(path));

	if (err)
		return err;
	object = bpf_object__open_file(path, NULL);
	if (!object)
		return fail(1, errno, "cannot open the BPF object %s", path);
	err = bpf_object__load(object);
	if (err)
		return fail(err == -EPERM ? 1 : 3, -err, "cannot load a program that reads the module's tables of callbacks");
	program_fd = bpf_program__fd(bpf_object__find_program_by_name(object, "peek"));
	map = bpf_object__find_map_by_name(object, ".bss.peeked");
	memory = mmap(NULL, AOD_VFS_PEEK, PROT_READ, MAP_SHARED, bpf_map__fd(map), 0);
	return memory == MAP_FAILED ? fail(1, errno, "cannot map .bss.peeked") : 0;
}

int peek(__u64 address, void *to, size_t size)
{
	const __u64 arguments[2] = { address, size };
	LIBBPF_OPTS(bpf_test_run_opts, run, .ctx_in = arguments, .ctx_size_in = sizeof(arguments));
	int err = size > AOD_VFS_PEEK ? -E2BIG : bpf_prog_test_run_opts(program_fd, &run);

	if (err)
		return err;
	if (run.retval)
		return -EFAULT;
	memcpy(to, memory, size);
	return 0;
}

void peek_close(void)
{
	if (memory != MAP_FAILED)
		munmap(memory, AOD_VFS_PEEK);
	memory = MAP_FAILED;
	bpf_object__close(object);
	object = NULL;
}
