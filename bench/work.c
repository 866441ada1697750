// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The workload: create, write, fsync, close under unique names, COUNT times, in a directory that is there.
 * Prints one line: the whole time by CLOCK_MONOTONIC and the time that the processor was idle meanwhile, ns.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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

static int one(const char *directory, long i)
{
	static const char text[] = "written by the benchmark\n";
	char path[4096];
	int fd, bad;

	snprintf(path, sizeof(path), "%s/%ld", directory, i);
	fd = open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0644);
	if (fd < 0)
		return -1;
	bad = write(fd, text, sizeof(text) - 1) != sizeof(text) - 1 || fsync(fd);
	return close(fd) || bad ? -1 : 0;
}

int main(int argc, char **argv)
{
	const long count = argc == 3 ? strtol(argv[2], NULL, 10) : 0;
	long long start, was_idle;

	if (count <= 0) {
		fputs("usage: work DIRECTORY COUNT\n", stderr);
		return 2;
	}
	was_idle = idle();
	start = now();
	for (long i = 0; i < count; i++)
		if (one(argv[1], i)) {
			fprintf(stderr, "work: file %ld: %s\n", i, strerror(errno));
			return 1;
		}
	start = now() - start;
	printf("%lld %lld\n", start, idle() - was_idle);
	return 0;
}
