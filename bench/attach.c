// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Loads an object, attaches every program in it, says so, and keeps it until its standard input ends. */
#include <bpf/libbpf.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int attach_all(struct bpf_object *object)
{
	struct bpf_program *program;

	bpf_object__for_each_program(program, object)
		if (!bpf_program__attach(program)) {
			perror(bpf_program__name(program));
			return -1;
		}
	return 0;
}

int main(int argc, char **argv)
{
	struct bpf_object *object;
	char byte;

	if (argc != 2) {
		fputs("usage: attach OBJECT\n", stderr);
		return 2;
	}
	object = bpf_object__open_file(argv[1], NULL);
	if (!object || bpf_object__load(object) || attach_all(object))
		return 1;
	puts("attached");
	fflush(stdout);
	return read(STDIN_FILENO, &byte, 1) < 0;
}
