// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The static libelf of elfutils 0.192 (Debian 13) lacks its own eu_search_tree_*() (sourceware bug 32293). Only
 * elf_getdata_rawchunk() uses the tree, which libbpf never calls: the tree stays empty, and a search in it says "no memory".
 * Weak: a libelf that has them wins.
 */
#define WEAK __attribute__((weak))

struct search_tree;

WEAK void eu_search_tree_init(struct search_tree *tree);
WEAK void eu_search_tree_fini(struct search_tree *tree, void (*free_node)(void *));
WEAK void *eu_tsearch(const void *key, struct search_tree *tree, int (*compare)(const void *, const void *));
WEAK void *eu_tdelete(const void *key, struct search_tree *tree, int (*compare)(const void *, const void *));

void eu_search_tree_init(struct search_tree *tree)
{
	(void)tree;
}

void eu_search_tree_fini(struct search_tree *tree, void (*free_node)(void *))
{
	(void)tree;
	(void)free_node;
}

void *eu_tsearch(const void *key, struct search_tree *tree, int (*compare)(const void *, const void *))
{
	(void)key;
	(void)tree;
	(void)compare;
	return 0;
}

void *eu_tdelete(const void *key, struct search_tree *tree, int (*compare)(const void *, const void *))
{
	(void)key;
	(void)tree;
	(void)compare;
	return 0;
}
