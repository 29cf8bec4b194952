/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The quick answers to "is this path wanted" are those of a walk over the whole path: for paths
 * made from every shipped pattern and bent in all ways, and for every name on the practice
 * computers.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "analyzer/match/path.h"
#include "analyzer/match/path_memo.h"
#include "analyzer/match/pattern.h"
#include "analyzer/match/matcher.h"
#include "parsers/filesystem/ntfs/mft.h"
#include "parsers/stream/image.h"
#include "parsers/stream/partition.h"

/* libtsk 4.11 leaks at probing partitions. The sanitizer looks this name up. */
__attribute__((visibility("default"))) const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return "leak:tsk_malloc\n";
}

struct world {
	struct signature_set *set;
	struct arena *arena, *scratch;
	struct trie *trie;
	struct path_memo *memo;
	struct text *patterns;
	size_t n_patterns;
	size_t n_asked, n_quick, n_wanted;
	uint64_t random, steps;
};

static void add_pattern(struct world *w, const char *written)
{
	struct failure why = FAILURE_NONE;
	struct pattern_list list = { 0 };

	assert_int_equal(pattern_expand(w->arena, ASPECT_PATH, written, &list, &why), STATUS_OK);
	for (size_t i = 0; i < list.n; i++) {
		assert_int_equal(trie_add(w->trie, w->arena, list.items[i], 0, &why), STATUS_OK);
		w->patterns = realloc(w->patterns, (w->n_patterns + 1) * sizeof(*w->patterns));
		w->patterns[w->n_patterns++] = list.spelt[i];
	}
}

static int open_world(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	struct failure why = FAILURE_NONE;

	w->arena = arena_new((size_t)256 << 20);
	w->scratch = arena_new((size_t)16 << 20);
	w->trie = trie_new();
	w->random = 1;
	if (signature_set_load(AVOUCH_SIGNATURES, &w->set, &why) < 0)
		return -1;
	for (size_t p = 0; p < w->set->n_products; p++)
		for (size_t c = 0; c < w->set->products[p].n_components; c++) {
			const struct component *component = &w->set->products[p].components[c];

			for (size_t a = 0; a < component->n_alternatives; a++)
				if (component->alternatives[a].conditions[ASPECT_PATH])
					add_pattern(w, component->alternatives[a]
							       .conditions[ASPECT_PATH]);
		}
	w->memo = path_memo_new(w->trie);
	*state = w;
	return trie_finish(w->trie, &why) == STATUS_OK ? 0 : -1;
}

static int close_world(void **state)
{
	struct world *w = *state;

	path_memo_free(w->memo);
	trie_free(w->trie);
	signature_set_free(w->set);
	arena_free(w->arena);
	arena_free(w->scratch);
	free(w->patterns);
	free(w);
	return 0;
}

static bool walk_whole(struct world *w, struct text path)
{
	struct trie_result result = { .marks = { .n = 0 } };
	const struct text normal = path_normalize(w->scratch, path);
	const struct text folded = path_without_old_root(text_fold(w->scratch, normal));

	if (folded.size)
		assert_int_equal(trie_find(w->trie, folded, w->scratch, &result, &w->steps),
				 STATUS_OK);
	return result.marks.n > 0;
}

static void compare(struct world *w, struct text path)
{
	bool quick = false;

	arena_reset(w->scratch);
	w->n_asked++;

	const bool whole = walk_whole(w, path);

	if (path_memo_ask(w->memo, path, &quick, &w->steps) != STATUS_OK)
		return; /* not answered: the matcher walks it */
	w->n_quick++;
	w->n_wanted += whole;
	if (quick != whole)
		fail_msg("'%.*s': %d, the whole walk says %d", (int)path.size, path.data, quick,
			 whole);
}

static uint32_t pick(struct world *w, uint32_t below)
{
	w->random = w->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)((w->random >> 33) % below);
}

static const char *const fillers[] = {
	"", "x", "12.0", "Kaspersky", "\xd0\x9b\xd0\xb0\xd0\xb1", "a b", "Setup"
};
static const char *const folders[] = { "", "/Users/u", "/Windows", "/deep/er/still",
				       "/Windows.old" };

/* A path that fits the pattern, more or less: wildcards are filled in. */
static size_t fill(struct world *w, struct text pattern, char *out, size_t room)
{
	size_t n = 0;

	for (size_t i = 0; i < pattern.size && n + 40 < room; i++) {
		const char c = pattern.data[i];
		const bool deep = c == '*' && i + 1 < pattern.size && pattern.data[i + 1] == '*';
		const char *text = deep	    ? folders[pick(w, 5)] :
				   c == '*' ? fillers[pick(w, 7)] :
					      NULL;

		if (deep && n > 0 && out[n - 1] == '/' && *text == '/')
			n--;

		if (c == '[') {
			out[n++] = i + 1 < pattern.size ? pattern.data[i + 1] : 'x';
			while (i < pattern.size && pattern.data[i] != ']')
				i++;
		} else if (!text) {
			out[n++] = c == '?' ? 'q' : c;
		}
		for (; text && *text; text++)
			out[n++] = *text;
		i += deep;
	}
	return n;
}

/* One of many ways to spell it otherwise, or to make it another path. */
static size_t bend(struct world *w, char *path, size_t n)
{
	static const char *const heads[] = { "/Windows.old",
					     "/\?\?/C:",
					     "C:",
					     "/Device/HarddiskVolume3",
					     "/SystemRoot",
					     "//?/C:",
					     "/Volume{0-0}",
					     "/",
					     " ",
					     "\"" };
	static const char *const tails[] = { " ",    " /s",  ".exe -x", ".dll,Run",
					     "/",    "/x",   "\\y",     "\xc3\x84.TXT",
					     "\xff", ".sys", " \t" };
	char kept[2048];
	const char *head = heads[pick(w, 10)];

	switch (pick(w, 8)) {
	case 0:
		for (size_t i = 0; i < n; i++)
			path[i] = path[i] >= 'a' && path[i] <= 'z' && pick(w, 2) ?
					  (char)(path[i] - 32) :
					  path[i];
		return n;
	case 1:
		return (size_t)snprintf(path + n, 32, "%s", tails[pick(w, 11)]) + n;
	case 2:
		(void)snprintf(kept, sizeof(kept), "%s%.*s", head, (int)n, path);
		memcpy(path, kept, strlen(kept));
		return strlen(kept);
	case 3:
		path[pick(w, (uint32_t)n)] = "/\\ .x\xd0"[pick(w, 6)];
		return n;
	case 4:
		return n - pick(w, (uint32_t)n);
	default:
		return n;
	}
}

static void paths_made_from_every_pattern_are_answered_as_by_the_whole_walk(void **state)
{
	struct world *w = *state;
	char path[2048];

	for (size_t i = 0; i < w->n_patterns; i++)
		for (int k = 0; k < 60; k++) {
			size_t n = fill(w, w->patterns[i], path, sizeof(path) - 256);

			for (uint32_t bends = pick(w, 3); n > 0 && bends > 0; bends--)
				n = bend(w, path, n);
			compare(w, (struct text){ path, n });
		}
	print_message("%zu paths, %zu answered quickly, %zu of them wanted\n", w->n_asked,
		      w->n_quick, w->n_wanted);
	assert_true(w->n_quick > w->n_asked / 2);
	assert_true(w->n_wanted > w->n_quick / 10);
}

static enum status compare_name(void *payload, const struct ntfs_found *found, struct failure *why)
{
	(void)why;
	compare(payload, found->path);
	return STATUS_OK;
}

static enum status nothing(struct parse_context *ctx, const struct trace *trace,
			   struct failure *why)
{
	(void)ctx;
	(void)trace;
	(void)why;
	return STATUS_OK;
}

static void compare_names_of(struct world *w, const char *path)
{
	static const struct parse_ops ops = { .emit = nothing };
	struct parse_context ctx = { .arena = w->arena, .ops = &ops };
	struct partition_table partitions;
	struct image *image = NULL;

	assert_int_equal(image_open(&path, 1, &image, NULL), STATUS_OK);
	assert_int_equal(partition_table_read(image->stream, w->arena, &partitions, NULL),
			 STATUS_OK);
	for (size_t i = 0; i < partitions.n_partitions; i++) {
		CLEANUP(stream_close_p) struct stream *volume = NULL;
		CLEANUP(ntfs_table_free_p) struct ntfs_table *table = NULL;

		assert_int_equal(stream_window(image->stream, partitions.partitions[i].offset,
					       partitions.partitions[i].size, &volume, NULL),
				 STATUS_OK);
		if (ntfs_table_read(&ctx, volume, &table, NULL) == STATUS_OK)
			assert_int_equal(ntfs_table_visit(table, compare_name, w, NULL), STATUS_OK);
	}
	image_close(image);
}

static void names_of_the_practice_computers_are_answered_as_by_the_whole_walk(void **state)
{
	struct world *w = *state;
	const char *root = getenv("AVOUCH_PRACTICE"), *corpus = getenv("AVOUCH_CORPUS");

	w->n_asked = w->n_quick = w->n_wanted = 0;
	for (int i = 1; i <= 3; i++) {
		char path[4096];

		if (root)
			(void)snprintf(path, sizeof(path), "%s/P%02d.E01", root, i);
		else
			(void)snprintf(path, sizeof(path), "%s/../practice/P%02d.E01",
				       corpus ? corpus : "../shared/corpus", i);
		if (access(path, R_OK) != 0) {
			print_message("%s is not there: skipped\n", path);
			skip();
		}
		compare_names_of(w, path);
	}
	print_message("%zu names, %zu answered quickly, %zu of them wanted\n", w->n_asked,
		      w->n_quick, w->n_wanted);
	assert_true(w->n_quick > w->n_asked * 9 / 10);
	assert_true(w->n_wanted > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(paths_made_from_every_pattern_are_answered_as_by_the_whole_walk),
		cmocka_unit_test(names_of_the_practice_computers_are_answered_as_by_the_whole_walk),
	};

	return cmocka_run_group_tests(tests, open_world, close_world);
}
