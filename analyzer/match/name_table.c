/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/match/name_table.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "analyzer/match/pattern.h"
#include "parsers/base/text.h"

/* Work one expression may do on one text; real ones need some hundred steps. */
enum { EXPRESSION_MATCH_LIMIT = 100000, EXPRESSION_DEPTH_LIMIT = 1000, EXPRESSION_HEAP_KIB = 1024 };

struct mark_link {
	uint32_t mark, next;
};

struct glob {
	struct text text; /* folded; an expression without "re:" */
	pcre2_code *code; /* NULL: a glob */
	uint32_t marks;   /* first link, or MAP_NONE */
};

enum { PAIRS = 1 << 16 };

/*
 * Which two bytes a name must begin with, and end in, to fit anything at all: most names are
 * refused by that alone.
 */
struct ends {
	uint8_t literals[PAIRS / 8];	 /* both together */
	uint8_t heads[PAIRS / 8], tails[PAIRS / 8]; /* of globs: tails of those whose head is open */
	bool open;				    /* some pattern tells neither */
};

struct name_table {
	struct ends ends;
	struct name_map literals; /* to the first link */
	struct name_map patterns; /* texts of globs to their index */
	struct mark_link *links;
	size_t n_links;
	struct glob *globs;
	size_t n_globs;
	uint32_t *unanchored; /* globs without a literal part: always tried */
	size_t n_unanchored;
	struct automaton automaton; /* literal parts to globs */
	pcre2_match_context *limits;
};

struct name_table *name_table_new(void)
{
	struct name_table *table = calloc(1, sizeof(*table));

	if (!table)
		return NULL;
	table->limits = pcre2_match_context_create(NULL);
	if (!table->limits) {
		free(table);
		return NULL;
	}
	pcre2_set_match_limit(table->limits, EXPRESSION_MATCH_LIMIT);
	pcre2_set_depth_limit(table->limits, EXPRESSION_DEPTH_LIMIT);
	pcre2_set_heap_limit(table->limits, EXPRESSION_HEAP_KIB);
	return table;
}

void name_table_free(struct name_table *table)
{
	if (!table)
		return;
	for (size_t i = 0; i < table->n_globs; i++)
		pcre2_code_free(table->globs[i].code);
	name_map_clear(&table->literals);
	name_map_clear(&table->patterns);
	automaton_clear(&table->automaton);
	pcre2_match_context_free(table->limits);
	free(table->links);
	free(table->globs);
	free(table->unanchored);
	free(table);
}

static uint32_t add_link(struct name_table *table, uint32_t mark, uint32_t next)
{
	struct mark_link *links = grown(table->links, table->n_links, sizeof(*links));

	if (!links)
		return MAP_NONE;
	table->links = links;
	links[table->n_links] = (struct mark_link){ mark, next };
	return (uint32_t)table->n_links++;
}

static enum status compile(struct text expression, pcre2_code **ret, struct failure *why)
{
	int error;
	PCRE2_SIZE at;
	pcre2_code *code = pcre2_compile((PCRE2_SPTR)expression.data, expression.size,
					 PCRE2_UTF | PCRE2_CASELESS | PCRE2_MATCH_INVALID_UTF |
						 PCRE2_NEVER_BACKSLASH_C,
					 &error, &at, NULL);

	if (!code) {
		PCRE2_UCHAR message[160];

		pcre2_get_error_message(error, message, sizeof(message));
		return failure_set(why, ERR_FORMAT, "expression does not compile at %zu: %s", at,
				   (const char *)message);
	}
	*ret = code;
	return STATUS_OK;
}

/* A literal's links start in the map's value; a head link is kept so that more can be put behind.
 */
static enum status add_literal(struct name_table *table, struct text name, uint32_t mark,
			       struct failure *why)
{
	const uint32_t head = name_map_find(&table->literals, name);

	if (head == MAP_NONE) {
		const uint32_t link = add_link(table, mark, MAP_NONE);

		if (link == MAP_NONE || !name_map_add(&table->literals, name, link))
			return failure_set(why, ERR_NO_MEMORY, "names");
		return STATUS_OK;
	}
	const uint32_t link = add_link(table, mark, table->links[head].next);

	if (link == MAP_NONE)
		return failure_set(why, ERR_NO_MEMORY, "names");
	table->links[head].next = link;
	return STATUS_OK;
}

static enum status add_glob(struct name_table *table, struct arena *arena, struct text pattern,
			    struct failure *why)
{
	struct glob glob = { .text = pattern, .marks = MAP_NONE };
	struct text literal;

	if (pattern_is_expression(pattern)) {
		glob.text = (struct text){ pattern.data + 3, pattern.size - 3 };
		const enum status status = compile(glob.text, &glob.code, why);

		if (status < 0)
			return status;
		literal = expression_literal(arena, glob.text);
	} else {
		literal = glob_literal(pattern);
	}
	struct glob *globs = grown(table->globs, table->n_globs, sizeof(*globs));
	uint32_t *unanchored = grown(table->unanchored, table->n_unanchored, sizeof(*unanchored));

	if (globs)
		table->globs = globs;
	if (unanchored)
		table->unanchored = unanchored;
	const uint32_t id = (uint32_t)table->n_globs;
	bool ok = globs && unanchored && name_map_add(&table->patterns, pattern, id);

	if (ok && literal.size)
		ok = automaton_add(&table->automaton, literal, id);
	if (!ok) {
		pcre2_code_free(glob.code);
		return failure_set(why, ERR_NO_MEMORY, "globs");
	}
	if (!literal.size)
		unanchored[table->n_unanchored++] = id;
	globs[table->n_globs++] = glob;
	return STATUS_OK;
}

static size_t pair_at(struct text text, size_t i)
{
	return (size_t)(unsigned char)text.data[i] << 8 | (unsigned char)text.data[i + 1];
}

static void put_pair(uint8_t *set, size_t pair)
{
	set[pair / 8] |= (uint8_t)(1U << pair % 8);
}

static bool has_pair(const uint8_t *set, size_t pair)
{
	return set[pair / 8] >> pair % 8 & 1;
}

static bool is_plain(char c)
{
	return c != '*' && c != '?' && c != '[' && c != ']';
}

static size_t both_ends(size_t head, size_t tail)
{
	return (head * 31 + tail) % PAIRS;
}

/* Of a pattern that is no literal. */
static void note_ends(struct ends *ends, struct text pattern)
{
	const size_t n = pattern.size;

	if (n < 2 || pattern_is_expression(pattern))
		ends->open = true;
	else if (is_plain(pattern.data[0]) && is_plain(pattern.data[1]))
		put_pair(ends->heads, pair_at(pattern, 0));
	else if (is_plain(pattern.data[n - 1]) && is_plain(pattern.data[n - 2]))
		put_pair(ends->tails, pair_at(pattern, n - 2));
	else
		ends->open = true;
}

static void note_literal(struct ends *ends, struct text name)
{
	if (name.size >= 2)
		put_pair(ends->literals, both_ends(pair_at(name, 0), pair_at(name, name.size - 2)));
}

/* What a name may fit, by its ends; a name of one byte may fit anything. */
struct chance {
	bool literal, glob;
};

static struct chance chance_of(const struct ends *ends, struct text folded)
{
	if (folded.size < 2)
		return (struct chance){ true, true };
	const size_t head = pair_at(folded, 0), tail = pair_at(folded, folded.size - 2);

	return (struct chance){
		has_pair(ends->literals, both_ends(head, tail)),
		ends->open || has_pair(ends->heads, head) || has_pair(ends->tails, tail),
	};
}

bool name_table_may_fit(const struct name_table *table, struct text name)
{
	const size_t n = name.size;
	char ends[4];

	if (n < 2)
		return true;
	memcpy(ends, name.data, 2);
	memcpy(ends + 2, name.data + n - 2, 2);
	for (size_t i = 0; i < sizeof(ends); i++) {
		if ((unsigned char)ends[i] >= 0x80)
			return true;
		ends[i] = (char)text_fold_char((unsigned char)ends[i]);
	}
	const struct chance chance =
		chance_of(&table->ends, (struct text){ ends, sizeof(ends) });

	return chance.literal || chance.glob;
}

enum status name_table_add(struct name_table *table, struct arena *arena, struct text pattern,
			   uint32_t mark, struct failure *why)
{
	if (!pattern_is_expression(pattern) && glob_is_literal(pattern)) {
		note_literal(&table->ends, pattern);
		return add_literal(table, pattern, mark, why);
	}
	note_ends(&table->ends, pattern);
	uint32_t id = name_map_find(&table->patterns, pattern);

	if (id == MAP_NONE) {
		const enum status status = add_glob(table, arena, pattern, why);

		if (status < 0)
			return status;
		id = name_map_find(&table->patterns, pattern);
	}
	const uint32_t link = add_link(table, mark, table->globs[id].marks);

	if (link == MAP_NONE)
		return failure_set(why, ERR_NO_MEMORY, "globs");
	table->globs[id].marks = link;
	return STATUS_OK;
}

enum status name_table_finish(struct name_table *table, struct failure *why)
{
	if (!automaton_finish(&table->automaton))
		return failure_set(why, ERR_NO_MEMORY, "automaton");
	return STATUS_OK;
}

size_t name_table_n_globs(const struct name_table *table)
{
	return table->n_globs;
}

struct search {
	const struct name_table *table;
	struct arena *arena;
	struct text folded;
	struct marks *marks;
	size_t capacity;
	uint32_t *tried; /* globs, in the order met */
	size_t n_tried, tried_capacity;
	bool failed;
	uint64_t *steps;
};

static bool room(struct search *s, uint32_t **items, size_t n, size_t *capacity)
{
	if (n < *capacity)
		return true;
	const size_t more = *capacity ? *capacity * 2 : 16;
	uint32_t *grown_items = arena_array(s->arena, more, sizeof(**items));

	if (!grown_items) {
		s->failed = true;
		return false;
	}
	if (n)
		memcpy(grown_items, *items, n * sizeof(**items));
	*items = grown_items;
	*capacity = more;
	return true;
}

static void take_marks(struct search *s, uint32_t link)
{
	for (; link != MAP_NONE; link = s->table->links[link].next) {
		++*s->steps;
		if (!room(s, &s->marks->items, s->marks->n, &s->capacity))
			return;
		s->marks->items[s->marks->n++] = s->table->links[link].mark;
	}
}

static bool expression_fits(struct search *s, const pcre2_code *code)
{
	pcre2_match_data *data = pcre2_match_data_create(1, NULL);

	if (!data) {
		s->failed = true;
		return false;
	}
	const int result = pcre2_match(code, (PCRE2_SPTR)s->folded.data, s->folded.size, 0, 0, data,
				       s->table->limits);

	*s->steps += s->folded.size;
	pcre2_match_data_free(data);
	if (result < 0 && result != PCRE2_ERROR_NOMATCH)
		s->marks->undecided = true;
	return result >= 0;
}

static void try_glob(struct search *s, uint32_t id)
{
	const struct glob *glob = &s->table->globs[id];
	const bool fits = glob->code ? expression_fits(s, glob->code)
				     : glob_fits(glob->text, s->folded, s->steps);

	if (fits)
		take_marks(s, glob->marks);
}

/* Candidates are few (their literal occurs); a place later in the text may name one again. */
static bool remember(void *payload, uint32_t id)
{
	struct search *s = payload;

	for (size_t i = 0; i < s->n_tried; i++)
		if (s->tried[i] == id)
			return true;
	if (!room(s, &s->tried, s->n_tried, &s->tried_capacity))
		return false;
	s->tried[s->n_tried++] = id;
	try_glob(s, id);
	return !s->failed;
}

static int compare_marks(const void *a, const void *b)
{
	const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static void sort_marks(struct marks *marks)
{
	size_t kept = 0;

	if (marks->n < 2)
		return;
	qsort(marks->items, marks->n, sizeof(*marks->items), compare_marks);
	for (size_t i = 0; i < marks->n; i++)
		if (i == 0 || marks->items[i] != marks->items[i - 1])
			marks->items[kept++] = marks->items[i];
	marks->n = kept;
}

static void search_globs(struct search *s)
{
	*s->steps += s->folded.size;
	for (size_t i = 0; i < s->table->n_unanchored; i++)
		try_glob(s, s->table->unanchored[i]);
	automaton_scan(&s->table->automaton, s->folded, remember, s, s->steps);
}

enum status name_table_find(const struct name_table *table, struct text folded, struct arena *arena,
			    struct marks *ret, uint64_t *steps)
{
	struct marks marks = { 0 };
	struct search s = {
		.table = table, .arena = arena, .folded = folded, .marks = &marks, .steps = steps
	};

	const struct chance chance = chance_of(&table->ends, folded);

	++*steps;
	if (chance.literal)
		take_marks(&s, name_map_find(&table->literals, folded));
	if (chance.glob)
		search_globs(&s);
	if (s.failed)
		return ERR_NO_MEMORY;
	sort_marks(&marks);
	*ret = marks;
	return STATUS_OK;
}
