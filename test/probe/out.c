// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The buffer of stdout under a reader that is slow, stops and goes on: what was accepted arrives whole and in order, what was not
 * accepted was refused. usage: out SEED
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>
#include "check.h"
#include "probe.h"

#define MAX_FRAMES 100000

static struct {
	__u32 length;
	__u16 type;
} accepted[MAX_FRAMES];
static size_t n_accepted, n_refused, n_read;
static char body[AOD_FRAME_MAX + 64];
static int reader;

static unsigned char byte_of(size_t frame, size_t at)
{
	return (unsigned char)(frame * 31 + at);
}

static void fill(size_t size)
{
	for (size_t i = 0; i < size; i++)
		body[i] = (char)byte_of(n_accepted, i);
}

static void note(bool taken, __u16 type, size_t length)
{
	if (!taken) {
		n_refused++;
		return;
	}
	CHECK_EQ("too many frames", n_accepted < MAX_FRAMES, true);
	accepted[n_accepted].length = length;
	accepted[n_accepted++].type = type;
}

/* Reads at most `limit` bytes and holds them against what was accepted. */
static void drain(size_t limit)
{
	static char in[AOD_FRAME_MAX + sizeof(struct aod_frame)];
	static size_t filled;

	while (limit) {
		size_t room = sizeof(in) - filled;
		ssize_t n = read(reader, in + filled, limit < room ? limit : room);
		struct aod_frame frame;

		if (n <= 0)
			return;
		limit -= n;
		filled += n;
		while (filled >= sizeof(frame)) {
			memcpy(&frame, in, sizeof(frame));
			CHECK_EQ("a frame that was accepted", n_read < n_accepted, true);
			CHECK_EQ("length", frame.length, accepted[n_read].length);
			CHECK_EQ("type", frame.type, accepted[n_read].type);
			CHECK_EQ("version", frame.version, AOD_FRAME_VERSION);
			if (filled < sizeof(frame) + frame.length)
				break;
			for (size_t i = 0; i < frame.length; i++)
				CHECK_EQ("byte", (unsigned char)in[sizeof(frame) + i], byte_of(n_read, i));
			filled -= sizeof(frame) + frame.length;
			memmove(in, in + sizeof(frame) + frame.length, filled);
			n_read++;
		}
	}
}

static void one_frame(unsigned long long *seed)
{
	size_t size = random_next(seed) % (random_next(seed) % 8 ? 300 : AOD_FRAME_MAX);
	__u16 type = 1 + random_next(seed) % 7;

	fill(size);
	note(out_frame(type, body, size / 3, body + size / 3, size - size / 3), type, size);
}

/* A frame that grows record by record; what it does not take is refused by the record. */
static void open_frame(unsigned long long *seed)
{
	size_t records = random_next(seed) % 20, size = 1 + random_next(seed) % 90000, length = 8;
	__u16 type = 1 + random_next(seed) % 7;

	fill(sizeof(body));
	if (!out_open(type, body, length)) {
		n_refused++;
		return;
	}
	for (size_t i = 0; i < records; i++) {
		if (length + size <= sizeof(body) && out_add(body + length, size))
			length += size;
		else
			n_refused++;
	}
	out_close();
	note(true, type, length);
}

static void too_long(void)
{
	fill(sizeof(body));
	CHECK_EQ("a frame above the limit", out_frame(1, body, 8, body + 8, AOD_FRAME_MAX), false);
	CHECK_EQ("a head above the limit", out_frame(1, body, AOD_FRAME_MAX + 1, NULL, 0), false);
	CHECK_EQ("nothing of it", out_pending(), false);
	CHECK_EQ("one of exactly the limit", out_frame(2, body, 8, body + 8, AOD_FRAME_MAX - 8), true);
	note(true, 2, AOD_FRAME_MAX);
}

static unsigned long long rss_anon_kb(void)
{
	FILE *status = fopen("/proc/self/status", "r");
	unsigned long long kb = 0;
	char line[256];

	CHECK_EQ("/proc/self/status", !!status, true);
	while (fgets(line, sizeof(line), status))
		if (sscanf(line, "RssAnon: %llu", &kb) == 1)
			break;
	fclose(status);
	return kb;
}

/* Everything that waits is read. */
static void drain_all(void)
{
	while (out_pending()) {
		CHECK_EQ("out_flush", out_flush(), 0);
		drain(1 << 20);
	}
	drain(1 << 20);
}

/* A history fills the buffer once in a while: its memory is not kept until the next. */
static void gives_back(void)
{
	size_t refused = n_refused;
	unsigned long long full;

	while (n_refused == refused) {
		fill(60000);
		note(out_frame(3, body, 8, body + 8, 60000 - 8), 3, 60000);
	}
	full = rss_anon_kb();
	drain_all();
	CHECK_EQ("3 MiB less when it is empty", rss_anon_kb() + 3072 < full, true);
}

int main(int argc, char **argv)
{
	unsigned long long seed = argc > 1 ? strtoull(argv[1], NULL, 10) | 1 : 1;
	int ends[2], report = dup(STDOUT_FILENO);

	CHECK_EQ("a pipe", pipe(ends), 0);
	reader = ends[0];
	signal(SIGPIPE, SIG_IGN);
	fcntl(reader, F_SETFL, O_NONBLOCK);
	dup2(ends[1], STDOUT_FILENO);
	close(ends[1]);
	CHECK_EQ("out_init", out_init(), 0);
	too_long();
	for (int step = 0; step < 250; step++) {
		switch (random_next(&seed) % 6) {
		case 0: open_frame(&seed); break;
		case 1: case 2: one_frame(&seed); break;
		case 3: CHECK_EQ("out_flush", out_flush(), 0); break;
		default:
			if (random_next(&seed) % 16 == 0)
				for (int i = 0; i < 200; i++)
					one_frame(&seed); /* the reader has stopped */
			drain(random_next(&seed) % 200000);
		}
	}
	drain_all();
	gives_back();
	CHECK_EQ("frames that arrived", n_read, n_accepted);
	close(reader);
	out_frame(1, body, 8, NULL, 0);
	CHECK_EQ("the reader is gone", out_flush(), -EPIPE);
	dprintf(report, "accepted %zu refused %zu\n", n_accepted, n_refused);
	return 0;
}
