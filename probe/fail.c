// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "probe.h"

static struct aod_error first;
static char detail[120];

void fail_detail(const char *line)
{
	size_t n = strcspn(line, "\n");

	if (detail[0])
		return; /* the first warning is the cause, the rest are its consequences */
	snprintf(detail, sizeof(detail), "%.*s", (int)n, line);
}

int fail(__u32 code, int error, const char *format, ...)
{
	va_list args;
	size_t n;

	if (first.code)
		return -(error ? error : 1);
	first.code = code;
	first.error = error;
	va_start(args, format);
	vsnprintf(first.text, sizeof(first.text), format, args);
	va_end(args);
	n = strlen(first.text);
	if (error)
		n += snprintf(first.text + n, sizeof(first.text) - n, ": %s", strerror(error));
	if (detail[0] && n < sizeof(first.text))
		snprintf(first.text + n, sizeof(first.text) - n, " (%s)", detail);
	return -(error ? error : 1);
}

bool failed(void)
{
	return first.code;
}

int fail_exit(void)
{
	if (!first.code)
		return 0;
	if (!out_frame(AOD_FRAME_ERROR, &first, sizeof(first), NULL, 0) || out_flush())
		fprintf(stderr, "aod-probe: %s\n", first.text);
	return first.code;
}
