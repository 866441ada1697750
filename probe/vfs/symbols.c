// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* /proc/kallsyms: 200,000 lines that the kernel takes seconds to write on a slow machine, so it is read once and kept until all is attached. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "vfs.h"

#define CHUNK (1u << 20)

static char *text;
static struct symbol *symbols, **functions;
static size_t n_symbols, n_functions;

static int read_all(const char *path)
{
	size_t size = 0, room = 0;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -errno;
	do {
		if (room - size < CHUNK) {
			char *more = realloc(text, room += 8 * CHUNK);

			if (!more) {
				close(fd);
				return -ENOMEM;
			}
			text = more;
		}
		n = read(fd, text + size, CHUNK - 1);
		if (n > 0)
			size += n;
	} while (n > 0 || (n < 0 && errno == EINTR));
	text[size] = '\0';
	close(fd);
	return n < 0 ? -errno : 0;
}

/* "ffffffffc0646b40 r cifs_file_ops\t[cifs]" */
static bool parse(char *line, struct symbol *to)
{
	char *end, *tab;

	to->address = strtoull(line, &end, 16);
	if (end == line || end[0] != ' ' || !end[1] || end[2] != ' ')
		return false;
	to->type = end[1];
	to->name = end + 3;
	to->module = NULL;
	tab = strchr(end + 3, '\t');
	if (tab) {
		*tab = '\0';
		if (tab[1] == '[') {
			to->module = tab + 2;
			tab[1 + strcspn(tab + 1, "]")] = '\0';
		}
	}
	return true;
}

static int by_address(const void *a, const void *b)
{
	const struct symbol *x = *(struct symbol *const *)a, *y = *(struct symbol *const *)b;

	/* of several names of one function the first one in the file */
	return x->address != y->address ? (x->address < y->address ? -1 : 1) : x < y ? -1 : x > y;
}

static bool is_function(const struct symbol *s)
{
	return strchr("tTwW", s->type) != NULL;
}

static int index_symbols(void)
{
	size_t lines = 1, at = 0;

	for (const char *c = text; (c = strchr(c, '\n')); c++)
		lines++;
	symbols = calloc(lines, sizeof(*symbols));
	functions = calloc(lines, sizeof(*functions));
	if (!symbols || !functions)
		return -ENOMEM;
	for (char *line = text, *next; line && *line; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		if (parse(line, &symbols[n_symbols]))
			n_symbols++;
	}
	for (size_t i = 0; i < n_symbols; i++)
		if (is_function(&symbols[i]))
			functions[at++] = &symbols[i];
	n_functions = at;
	qsort(functions, n_functions, sizeof(*functions), by_address);
	return 0;
}

int symbols_load(const char *path)
{
	int err = read_all(path);

	if (!err)
		err = index_symbols();
	return err ? fail(3, -err, "cannot read %s", path) : 0;
}

void symbols_free(void)
{
	free(functions);
	free(symbols);
	free(text);
	functions = NULL;
	symbols = NULL;
	text = NULL;
	n_symbols = n_functions = 0;
}

static bool among(const char *module, const char *const *modules)
{
	for (; *modules; modules++)
		if (!strcmp(module, *modules))
			return true;
	return false;
}

const struct symbol *symbols_find(const char *name, const char *const *modules)
{
	const struct symbol *built_in = NULL;

	for (size_t i = 0; i < n_symbols; i++) {
		if (strcmp(symbols[i].name, name))
			continue;
		if (!symbols[i].module)
			built_in = &symbols[i];
		else if (among(symbols[i].module, modules))
			return &symbols[i];
	}
	return built_in;
}

const struct symbol *symbols_at(__u64 address)
{
	size_t low = 0, high = n_functions;

	while (low < high) {
		const size_t middle = (low + high) / 2;

		if (functions[middle]->address < address)
			low = middle + 1;
		else
			high = middle;
	}
	return low < n_functions && functions[low]->address == address ? functions[low] : NULL;
}
