/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/match/matcher.h"

#include "analyzer/match/matcher_compile.h"
#include "analyzer/match/path.h"
#include "parsers/base/text.h"

/* Marks met so far in one call. */
struct gathering {
	const struct matcher *matcher;
	struct arena *arena;
	uint32_t *marks;
	size_t n, capacity;
	uint32_t present; /* a bit for each aspect of which there is a value */
	bool undecided;
};

static enum status gather_marks(struct gathering *g, const struct marks *marks)
{
	g->undecided |= marks->undecided;
	if (marks->n == 0)
		return STATUS_OK;
	if (g->n + marks->n > g->capacity) {
		const size_t capacity = (g->n + marks->n) * 2;
		uint32_t *items = arena_array(g->arena, capacity, sizeof(*items));

		if (!items)
			return ERR_NO_MEMORY;
		if (g->n)
			memcpy(items, g->marks, g->n * sizeof(*items));
		g->marks = items;
		g->capacity = capacity;
	}
	memcpy(g->marks + g->n, marks->items, marks->n * sizeof(*marks->items));
	g->n += marks->n;
	return STATUS_OK;
}

/* A task's path as signatures write it: "\\Vendor\\Update" is "Vendor/Update". */
static struct text plain_task(struct arena *arena, struct text task)
{
	char *copy;

	if (task.size && task.data[0] == '\\')
		task = (struct text){ task.data + 1, task.size - 1 };
	copy = arena_alloc(arena, task.size + 1);
	for (size_t i = 0; copy && i < task.size; i++)
		copy[i] = task.data[i] == '\\' ? '/' : task.data[i];
	return (struct text){ copy, task.size };
}

static struct text folded_value(struct arena *arena, enum aspect aspect, struct text text)
{
	if (aspect == ASPECT_TASK)
		text = plain_task(arena, text);
	if (!text.data)
		return text;
	if (aspect == ASPECT_PATH) {
		text = path_normalize(arena, text);
		if (!text.data)
			return text;
		text = text_fold(arena, text);
		return text.data ? path_without_old_root(text) : text;
	}
	return text_fold(arena, text);
}

static enum status look_up(const struct matcher *m, enum aspect aspect, struct text text,
			   struct arena *arena, struct trie_result *ret)
{
	struct trie_result result = { 0 };
	const struct text folded = folded_value(arena, aspect, text);
	enum status status;

	if (!folded.data)
		return ERR_NO_MEMORY;
	if (folded.size == 0 && aspect == ASPECT_PATH)
		status = STATUS_OK;
	else if (m->tries[aspect])
		status = trie_find(m->tries[aspect], folded, arena, &result, m->steps);
	else
		status = name_table_find(m->names[aspect], folded, arena, &result.marks, m->steps);
	if (status == STATUS_OK)
		*ret = result;
	return status;
}

static bool ends_folded(struct text text, const char *end)
{
	const size_t size = strlen(end);

	return text.size > size &&
	       text_equal_folded((struct text){ text.data + text.size - size, size },
				 (struct text){ end, size });
}

/* A path, or a name, is also that of the program or driver it leads to. */
static enum aspect second_aspect(struct text name)
{
	if (name.size < 5 || name.data[name.size - 4] != '.')
		return ASPECT_NONE;
	if (ends_folded(name, ".exe") || ends_folded(name, ".com") || ends_folded(name, ".msi"))
		return ASPECT_EXECUTABLE;
	if (ends_folded(name, ".sys"))
		return ASPECT_DRIVER;
	return ASPECT_NONE;
}

static enum status gather_value(struct gathering *g, enum aspect aspect, struct text text)
{
	struct trie_result result;
	enum status status = look_up(g->matcher, aspect, text, g->arena, &result);

	g->present |= UINT32_C(1) << aspect;
	if (status == STATUS_OK)
		status = gather_marks(g, &result.marks);
	if (status < 0 || aspect != ASPECT_PATH)
		return status;
	const struct text name = path_base_name(path_normalize(g->arena, text));
	const enum aspect second = second_aspect(name);

	return second ? gather_value(g, second, name) : STATUS_OK;
}

static int compare_marks(const void *a, const void *b)
{
	const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

/* Conditions of one alternative are numbered in a row: sorted marks come alternative by
 * alternative. */
static enum status decide(struct gathering *g, const struct match_hit **ret_hits, size_t *ret_n)
{
	const struct matcher *m = g->matcher;
	struct match_hit *hits = g->n ? arena_array(g->arena, g->n, sizeof(*hits)) : NULL;
	size_t n = 0;

	if (g->n && !hits)
		return ERR_NO_MEMORY;
	if (g->n > 1)
		qsort(g->marks, g->n, sizeof(*g->marks), compare_marks);
	for (size_t i = 0; i < g->n;) {
		if (g->marks[i] & FACT_MARK)
			break;
		const uint32_t branch = m->conditions[g->marks[i]].branch;
		const struct branch *b = &m->branches[branch];
		uint32_t positive = 0, last = MAP_NONE;
		bool vetoed = (b->lacks & g->present) != 0;

		for (; i < g->n && !(g->marks[i] & FACT_MARK) &&
		       m->conditions[g->marks[i]].branch == branch;
		     i++) {
			if (g->marks[i] == last)
				continue;
			last = g->marks[i];
			vetoed |= m->conditions[last].negated;
			positive += !m->conditions[last].negated;
		}
		const bool again = n > 0 && hits[n - 1].product == b->product &&
				   hits[n - 1].component == b->component;

		if (!vetoed && positive == b->n_positive && positive > 0 && !again)
			hits[n++] = (struct match_hit){ b->product, b->component, b->alternative };
	}
	*ret_hits = hits;
	*ret_n = n;
	return STATUS_OK;
}

enum status matcher_match(const struct matcher *matcher, const struct aspect_value *values,
			  size_t n_values, struct arena *arena, const struct match_hit **ret_hits,
			  size_t *ret_n, struct failure *why)
{
	struct gathering g = { .matcher = matcher, .arena = arena };
	enum status status = STATUS_OK;

	for (size_t i = 0; status == STATUS_OK && i < n_values; i++)
		if (values[i].aspect > ASPECT_NONE && values[i].aspect < ASPECT_COUNT &&
		    values[i].text.size)
			status = gather_value(&g, values[i].aspect, values[i].text);
	if (status == STATUS_OK)
		status = decide(&g, ret_hits, ret_n);
	if (status < 0)
		return failure_set(why, status, "matching a trace");
	if (g.undecided)
		return failure_set(why, ERR_LIMIT,
				   "a pattern of the signatures could not be decided on this trace "
				   "within its limits");
	return STATUS_OK;
}

enum status matcher_match_trace(const struct matcher *matcher, const struct trace *trace,
				struct arena *arena, const struct match_hit **ret_hits,
				size_t *ret_n, struct failure *why)
{
	struct aspect_value values[2 * TRACE_MAX_FIELDS];
	const size_t n_fields = trace_type_fields(trace->type);
	size_t n = 0;

	for (size_t i = 0; i < n_fields; i++) {
		const struct trace_field *field = &trace->type->fields[i];

		if (trace->values[i].kind != VALUE_TEXT)
			continue;
		if (field->aspect)
			values[n++] = (struct aspect_value){ field->aspect, trace->values[i].text };
		if (field->also_aspect)
			values[n++] =
				(struct aspect_value){ field->also_aspect, trace->values[i].text };
	}
	return matcher_match(matcher, values, n, arena, ret_hits, ret_n, why);
}

/* Scratch memory is kept over so many bytes of questions, which come by the hundred thousand. */
enum { SCRATCH_KEPT = 1 << 20 };

/* Every answer without memory is the careful one: "wanted". */
static struct arena *scratch_of(const struct matcher *matcher)
{
	if (arena_used(matcher->scratch) > SCRATCH_KEPT)
		arena_reset(matcher->scratch);
	return matcher->scratch;
}

size_t matcher_facts(const struct matcher *matcher, struct text key, struct text value,
		     struct fact_hit *hits, size_t max)
{
	struct trie_result result = { .marks = { .n = 0 } };
	size_t n = 0;

	if (look_up(matcher, ASPECT_KEY, key, scratch_of(matcher), &result) < 0)
		return 0;
	for (size_t i = 0; i < result.marks.n && n < max; i++) {
		if (!(result.marks.items[i] & FACT_MARK))
			continue;
		const struct fact_hit hit = matcher->facts[result.marks.items[i] & ~FACT_MARK];
		const struct fact *fact = &matcher->set->products[hit.product].facts[hit.fact];

		if (text_equal_folded(text_of(fact->value), value))
			hits[n++] = hit;
	}
	return n;
}

static bool ask(const struct matcher *matcher, enum aspect aspect, struct text text,
		struct trie_result *ret)
{
	return look_up(matcher, aspect, text, scratch_of(matcher), ret) == STATUS_OK;
}

/* Whether a pattern fits the path, not looking at what its name alone says. */
static bool path_is_named(const struct matcher *matcher, struct text path)
{
	struct trie_result result;
	bool named;

	if (path_memo_ask(matcher->memo, path, &named, matcher->steps) == STATUS_OK)
		return named;
	return !ask(matcher, ASPECT_PATH, path, &result) || result.marks.n > 0;
}

bool matcher_wants_path(const struct matcher *matcher, struct text path)
{
	struct trie_result result;

	if (path_is_named(matcher, path))
		return true;
	if (!second_aspect(path))
		return false;
	const struct text name = path_base_name(path);
	const enum aspect second = second_aspect(name);

	return second && (!ask(matcher, second, name, &result) || result.marks.n > 0);
}

bool matcher_wants_below_path(const struct matcher *matcher, struct text path)
{
	struct trie_result result;

	return !ask(matcher, ASPECT_PATH, path, &result) || result.below;
}

bool matcher_wants_key(const struct matcher *matcher, struct text key)
{
	struct trie_result result;

	return !ask(matcher, ASPECT_KEY, key, &result) || result.marks.n > 0 || result.below;
}

bool matcher_wants_log(const struct matcher *matcher, struct text channel, struct text provider)
{
	struct trie_result result;

	if (channel.size && (!ask(matcher, ASPECT_CHANNEL, channel, &result) || result.marks.n > 0))
		return true;
	return provider.size &&
	       (!ask(matcher, ASPECT_PROVIDER, provider, &result) || result.marks.n > 0);
}

const char *const *matcher_key_roots(const struct matcher *matcher, size_t *ret_n)
{
	*ret_n = matcher->n_key_roots;
	return matcher->key_roots;
}

const char *const *matcher_log_names(const struct matcher *matcher, size_t *ret_n,
				     size_t *ret_patterns)
{
	*ret_n = matcher->n_log_names;
	*ret_patterns = matcher->n_log_patterns;
	return matcher->log_names;
}

uint64_t matcher_steps(const struct matcher *matcher)
{
	return *matcher->steps;
}
