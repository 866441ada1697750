// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Loads an object, attaches every program in it, says so, and keeps it until its standard input ends. */
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* As aod-probe's ladder: the hook of writeback is needed only where the request of a write is a cifs_io_subrequest. */
static bool has_io_subrequest(void)
{
	struct btf *base = btf__load_vmlinux_btf(), *module = base ? btf__load_module_btf("cifs", base) : NULL;
	const bool has = module && btf__find_by_name_kind(module, "cifs_io_subrequest", BTF_KIND_STRUCT) > 0;

	btf__free(module);
	btf__free(base);
	return has;
}

static int attach_all(struct bpf_object *object)
{
	struct bpf_program *program;

	bpf_object__for_each_program(program, object)
		if (bpf_program__autoload(program) && !bpf_program__attach(program)) {
			perror(bpf_program__name(program));
			return -1;
		}
	return 0;
}

int main(int argc, char **argv)
{
	struct bpf_object *object;
	struct bpf_program *program;
	char byte;

	if (argc != 2) {
		fputs("usage: attach OBJECT\n", stderr);
		return 2;
	}
	object = bpf_object__open_file(argv[1], NULL);
	if (!object)
		return 1;
	bpf_object__for_each_program(program, object)
		if (strstr(bpf_program__name(program), "_write"))
			bpf_program__set_autoload(program, has_io_subrequest());
	if (bpf_object__load(object) || attach_all(object))
		return 1;
	puts("attached");
	fflush(stdout);
	return read(STDIN_FILENO, &byte, 1) < 0;
}
