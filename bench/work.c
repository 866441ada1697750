// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The workload: create, write, fsync, close under unique names, COUNT times, in a directory that is there. With "read" each file is then
 * read by splice and through a map: what file systems share is mostly there. With "missing" names are asked for instead that are not there,
 * as a compiler asks for its headers: nearly every request fails.
 * Prints one line: the whole time by CLOCK_MONOTONIC and the time that the processor was idle meanwhile, ns.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static long long now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ll + t.tv_nsec;
}

/* Hundredths of a second that all processors were idle; the second number of /proc/uptime. */
static long long idle(void)
{
	FILE *f = fopen("/proc/uptime", "re");
	double up, idle = -1;

	if (!f || fscanf(f, "%lf %lf", &up, &idle) != 2)
		idle = -1;
	if (f)
		fclose(f);
	return idle * 1e9;
}

static const char text[] = "written by the benchmark\n";

static int write_one(const char *path)
{
	int fd, bad;

	fd = open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0644);
	if (fd < 0)
		return -1;
	bad = write(fd, text, sizeof(text) - 1) != sizeof(text) - 1 || fsync(fd);
	return close(fd) || bad ? -1 : 0;
}

static int read_one(const char *path, int sink)
{
	const size_t size = sizeof(text) - 1;
	const int fd = open(path, O_RDONLY | O_CLOEXEC);
	const char *map;
	int bad;

	if (fd < 0)
		return -1;
	bad = sendfile(sink, fd, NULL, size) != (ssize_t)size;
	map = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
	bad = bad || map == MAP_FAILED || *(volatile const char *)map != text[0];
	if (map != MAP_FAILED)
		munmap((void *)map, size);
	return close(fd) || bad ? -1 : 0;
}

static int one(const char *directory, long i, int sink, int missing)
{
	struct stat none;
	char path[4096];

	snprintf(path, sizeof(path), "%s/%ld", directory, i);
	if (missing)
		return stat(path, &none) && errno == ENOENT ? 0 : -1;
	return write_one(path) || (sink >= 0 && read_one(path, sink)) ? -1 : 0;
}

int main(int argc, char **argv)
{
	const int reads = argc == 4 && !strcmp(argv[3], "read");
	const int missing = argc == 4 && !strcmp(argv[3], "missing");
	const long count = argc == 3 || reads || missing ? strtol(argv[2], NULL, 10) : 0;
	const int sink = reads ? open("/dev/null", O_WRONLY | O_CLOEXEC) : -1;
	long long start, was_idle;

	if (count <= 0) {
		fputs("usage: work DIRECTORY COUNT [read|missing]\n", stderr);
		return 2;
	}
	if (reads && sink < 0) {
		perror("work: /dev/null");
		return 1;
	}
	was_idle = idle();
	start = now();
	for (long i = 0; i < count; i++)
		if (one(argv[1], i, sink, missing)) {
			fprintf(stderr, "work: file %ld: %s\n", i, strerror(errno));
			return 1;
		}
	start = now() - start;
	printf("%lld %lld\n", start, idle() - was_idle);
	return 0;
}
