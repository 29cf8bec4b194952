/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/collect/source_globs.h"

#include "parsers/base/text.h"

enum { N_BUCKETS = 256 };

/* One path of one parser. */
struct source_glob {
	const struct source_glob *next; /* in its bucket */
	uint32_t parser;
	const char *glob;
	const char *tail; /* what stands behind the last wildcard, in ASCII */
	size_t tail_size;
	size_t head_size; /* before the first wildcard, in ASCII */
	bool anywhere;    /* it says nothing beyond its tail */
	const char *stream; /* behind ':', of an NTFS stream; NULL: the content itself */
};

struct source_globs {
	const struct source_glob *buckets[N_BUCKETS]; /* by the last two letters of the tail */
	const struct source_glob *short_tails;        /* fewer than two: always tried */
	const struct source_glob *streams;
};

static unsigned char fold_ascii(char c)
{
	return (unsigned char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
}

/* Of a text of two bytes or more. */
static size_t bucket_of(const char *text, size_t size)
{
	return (fold_ascii(text[size - 1]) * 31U + fold_ascii(text[size - 2])) % N_BUCKETS;
}

static bool is_literal(char c)
{
	return c != '*' && c != '?' && (unsigned char)c < 0x80;
}

/* Of a glob with that tail: any name in any folder, as long as it ends so. */
static bool is_anywhere(const char *glob, const char *tail)
{
	static const char any[] = "/**/*";
	const size_t n = sizeof(any) - 1;

	return (size_t)(tail - glob) == n && memcmp(glob, any, n) == 0 && !strchr(tail, '/');
}

static bool add(struct source_globs *globs, struct arena *arena, uint32_t parser, const char *glob)
{
	const char *tail = glob + strlen(glob), *colon = strrchr(glob, ':');

	size_t head_size = 0;

	while (tail > glob && is_literal(tail[-1]))
		tail--;
	while (glob[head_size] && is_literal(glob[head_size]))
		head_size++;

	struct source_glob one = { .parser = parser, .glob = glob, .tail = tail,
				   .tail_size = strlen(tail), .head_size = head_size,
				   .anywhere = is_anywhere(glob, tail),
				   .stream = colon ? colon + 1 : NULL };
	const struct source_glob **list = one.tail_size < 2 ?
						  &globs->short_tails :
						  &globs->buckets[bucket_of(tail, one.tail_size)];
	struct source_glob *kept;

	one.next = *list;
	kept = arena_copy(arena, &one, sizeof(one));
	if (!kept)
		return false;
	*list = kept;
	if (!one.stream)
		return true;
	one.next = globs->streams;
	kept = arena_copy(arena, &one, sizeof(one));
	globs->streams = kept;
	return kept != NULL;
}

const struct source_globs *source_globs_new(struct arena *arena, bool carve)
{
	const struct source_globs none = { .streams = NULL };
	struct source_globs *globs = arena_copy(arena, &none, sizeof(none));

	for (uint32_t i = 0; globs && all_parsers[i]; i++) {
		if (all_parsers[i]->carves && !carve)
			continue;
		for (size_t j = 0; all_parsers[i]->paths && all_parsers[i]->paths[j]; j++)
			if (!add(globs, arena, i, all_parsers[i]->paths[j]))
				return NULL;
	}
	return globs;
}

/* Backwards: paths share their beginnings. */
static bool ends_so(const char *have, const char *wanted, size_t size)
{
	while (size > 0 && fold_ascii(have[size - 1]) == fold_ascii(wanted[size - 1]))
		size--;
	return size == 0;
}

static bool has_tail(struct text path, const struct source_glob *glob)
{
	return path.size >= glob->tail_size &&
	       ends_so(path.data + path.size - glob->tail_size, glob->tail, glob->tail_size);
}

/* Of a path that has its tail. The cheap checks first: they rule out most of what is tried. */
static bool glob_fits_path(const struct source_glob *glob, struct text path)
{
	if (path.size < glob->head_size || !ends_so(path.data, glob->glob, glob->head_size))
		return false;
	return glob->anywhere || path_fits(glob->glob, path);
}

/*
 * Where an older installation of the system was kept by an upgrade: Windows.old, and when that was
 * still there Windows.old.000 or Windows.old(1).
 */
static struct text below_old_windows(struct text path)
{
	static const char old[] = "/Windows.old";
	const size_t n = sizeof(old) - 1;
	const char *slash;

	if (path.size <= n || path.data[n - 4] != '.' || !strchr("/.(", path.data[n]) ||
	    !text_equal_folded((struct text){ path.data, n }, (struct text){ old, n }))
		return (struct text){ NULL, 0 };
	slash = memchr(path.data + n, '/', path.size - n);
	if (!slash)
		return (struct text){ NULL, 0 };
	return (struct text){ slash, path.size - (size_t)(slash - path.data) };
}

static bool try_list(const struct source_glob *list, struct parse_context *ctx, struct text path,
		     struct job_order *order, bool *ret_is_hive)
{
	const struct text old = below_old_windows(path);
	bool any = false;

	for (const struct source_glob *glob = list; glob; glob = glob->next) {
		if (!has_tail(path, glob) || (!glob_fits_path(glob, path) &&
					      !(old.data && glob_fits_path(glob, old))))
			continue;
		if (all_parsers[glob->parser]->named_only && !wants_path(ctx, path))
			continue;
		job_add_parser(order, glob->parser);
		*ret_is_hive |= all_parsers[glob->parser]->parse_hive != NULL;
		any = true;
	}
	return any;
}

bool source_globs_find(const struct source_globs *globs, struct parse_context *ctx,
		       struct text path, struct job_order *order, bool *ret_is_hive)
{
	const bool by_short = globs->short_tails &&
			      try_list(globs->short_tails, ctx, path, order, ret_is_hive);
	const struct source_glob *list =
		path.size < 2 ? NULL : globs->buckets[bucket_of(path.data, path.size)];

	return (list && try_list(list, ctx, path, order, ret_is_hive)) || by_short;
}

const char *source_globs_stream(const struct source_globs *globs, struct text path)
{
	for (const struct source_glob *glob = globs->streams; glob; glob = glob->next) {
		const size_t head = (size_t)(glob->stream - glob->glob) - 1;

		if (path.size == head &&
		    text_equal_folded((struct text){ glob->glob, head }, path))
			return glob->stream;
	}
	return NULL;
}
