/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/match/matcher.h"

#include "analyzer/match/path.h"
#include "analyzer/match/path_memo.h"
#include "analyzer/match/pattern.h"
#include "analyzer/match/trie.h"
#include "parsers/base/text.h"

/* Memory for all compiled patterns, bytes; the shipped set needs a few MiB. */
enum { MATCHER_ARENA = 512 << 20 };
/* Marks of facts have this bit; those of conditions do not. */
static const uint32_t fact_mark = UINT32_C(1) << 31;

/* Numbered in the order of products, components and alternatives. */
struct condition {
	uint32_t branch; /* the alternative it belongs to */
	bool negated;
};

struct branch {
	uint32_t product, component, alternative;
	uint32_t n_positive;
	uint32_t lacks; /* a bit for each aspect of which the trace must have no value */
};

struct matcher {
	const struct signature_set *set;
	struct arena *arena;
	struct name_table *names[ASPECT_COUNT];
	struct trie *tries[ASPECT_COUNT]; /* of paths and keys */
	struct condition *conditions;
	size_t n_conditions;
	struct branch *branches;
	size_t n_branches;
	struct fact_hit *facts;
	size_t n_facts;
	const char **key_roots;
	size_t n_key_roots;
	const char **log_names;
	size_t n_log_names, n_log_patterns;
	uint64_t *steps;       /* counts while matching, which changes nothing else but */
	struct arena *scratch; /* memory of the yes-or-no questions */
	struct path_memo *memo;
};

void matcher_free(struct matcher *matcher)
{
	if (!matcher)
		return;
	for (int i = 0; i < ASPECT_COUNT; i++) {
		name_table_free(matcher->names[i]);
		trie_free(matcher->tries[i]);
	}
	arena_free(matcher->arena);
	arena_free(matcher->scratch);
	path_memo_free(matcher->memo);
	free(matcher->conditions);
	free(matcher->branches);
	free(matcher->facts);
	free(matcher->key_roots);
	free(matcher->log_names);
	free(matcher->steps);
	free(matcher);
}

static enum status no_memory(struct failure *why)
{
	return failure_set(why, ERR_NO_MEMORY, "signatures");
}

static bool add_text(struct matcher *m, const char ***list, size_t *n, struct text text)
{
	const char **grown_list = grown(*list, *n, sizeof(**list));
	char *copy = arena_text(m->arena, text);

	if (grown_list)
		*list = grown_list;
	if (!grown_list || !copy)
		return false;
	grown_list[(*n)++] = copy;
	return true;
}

/* The components of a key pattern before the first that is no literal. */
static struct text literal_head(struct text key)
{
	size_t end = 0;

	for (size_t i = 0; i <= key.size; i++)
		if (i == key.size || key.data[i] == '/') {
			if (!glob_is_literal((struct text){ key.data, i }))
				break;
			end = i;
		}
	return (struct text){ key.data, end };
}

static bool remember_use(struct matcher *m, enum aspect aspect, const struct pattern_list *list,
			 size_t i)
{
	if (aspect == ASPECT_KEY)
		return add_text(m, &m->key_roots, &m->n_key_roots, literal_head(list->items[i]));
	if (aspect != ASPECT_CHANNEL && aspect != ASPECT_PROVIDER)
		return true;
	if (!glob_is_literal(list->items[i])) {
		m->n_log_patterns++;
		return true;
	}
	return add_text(m, &m->log_names, &m->n_log_names, list->spelt[i]);
}

static enum status add_pattern(struct matcher *m, enum aspect aspect, const char *written,
			       uint32_t mark, bool *ret_negated, struct failure *why)
{
	struct pattern_list list = { 0 };
	enum status status = pattern_expand(m->arena, aspect, written, &list, why);

	for (size_t i = 0; status == STATUS_OK && i < list.n; i++) {
		if (pattern_has_components(aspect))
			status = trie_add(m->tries[aspect], m->arena, list.items[i], mark, why);
		else
			status = name_table_add(m->names[aspect], m->arena, list.items[i], mark,
						why);
		if (status == STATUS_OK && !list.negated && !remember_use(m, aspect, &list, i))
			status = no_memory(why);
	}
	*ret_negated = list.negated;
	return status;
}

static enum status add_condition(struct matcher *m, enum aspect aspect, const char *written,
				 struct failure *why)
{
	struct condition *conditions = grown(m->conditions, m->n_conditions, sizeof(*conditions));
	bool negated;

	if (!conditions)
		return no_memory(why);
	m->conditions = conditions;
	const enum status status =
		add_pattern(m, aspect, written, (uint32_t)m->n_conditions, &negated, why);

	if (status < 0)
		return status;
	const uint32_t branch = (uint32_t)m->n_branches - 1;

	conditions[m->n_conditions++] = (struct condition){ branch, negated };
	m->branches[branch].n_positive += !negated;
	return STATUS_OK;
}

/* "No value at all": no pattern to look for, and no path is wanted for its sake. */
static bool excludes_all(const char *written)
{
	return strcmp(written, "!*") == 0 || strcmp(written, "!**") == 0;
}

static enum status add_alternative(struct matcher *m, size_t product, size_t component,
				   size_t alternative, struct failure *why)
{
	const struct alternative *a =
		&m->set->products[product].components[component].alternatives[alternative];
	struct branch *branches = grown(m->branches, m->n_branches, sizeof(*branches));

	if (!branches)
		return no_memory(why);
	m->branches = branches;
	branches[m->n_branches++] =
		(struct branch){ (uint32_t)product, (uint32_t)component, (uint32_t)alternative, 0, 0 };
	for (int aspect = 1; aspect < ASPECT_COUNT; aspect++) {
		if (!a->conditions[aspect])
			continue;
		if (excludes_all(a->conditions[aspect])) {
			branches[m->n_branches - 1].lacks |= UINT32_C(1) << aspect;
			continue;
		}
		const enum status status =
			add_condition(m, (enum aspect)aspect, a->conditions[aspect], why);

		if (status < 0)
			return status;
	}
	return STATUS_OK;
}

static enum status add_fact(struct matcher *m, size_t product, size_t fact, struct failure *why)
{
	struct fact_hit *facts = grown(m->facts, m->n_facts, sizeof(*facts));
	bool negated;

	if (!facts)
		return no_memory(why);
	m->facts = facts;
	const enum status status =
		add_pattern(m, ASPECT_KEY, m->set->products[product].facts[fact].key,
			    fact_mark | (uint32_t)m->n_facts, &negated, why);

	if (status == STATUS_OK)
		facts[m->n_facts++] = (struct fact_hit){ product, fact };
	return status;
}

static enum status add_product(struct matcher *m, size_t index, struct failure *why)
{
	const struct product *product = &m->set->products[index];
	enum status status = STATUS_OK;

	for (size_t c = 0; status == STATUS_OK && c < product->n_components; c++)
		for (size_t a = 0; status == STATUS_OK && a < product->components[c].n_alternatives;
		     a++)
			status = add_alternative(m, index, c, a, why);
	for (size_t f = 0; status == STATUS_OK && f < product->n_facts; f++)
		status = add_fact(m, index, f, why);
	return status;
}

static int compare_texts(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool is_below(const char *path, const char *root)
{
	const size_t size = strlen(root);

	return strncmp(path, root, size) == 0 && (path[size] == '/' || path[size] == 0);
}

/* Sorts, and drops what equals or (roots) lies below another. */
static void tidy(const char **texts, size_t *n, bool roots)
{
	size_t kept = 0;

	if (*n > 1)
		qsort(texts, *n, sizeof(*texts), compare_texts);
	for (size_t i = 0; i < *n; i++) {
		bool covered = kept > 0 && strcmp(texts[kept - 1], texts[i]) == 0;

		for (size_t k = 0; roots && !covered && k < kept; k++)
			covered = is_below(texts[i], texts[k]);
		if (!covered)
			texts[kept++] = texts[i];
	}
	*n = kept;
}

static enum status finish(struct matcher *m, struct failure *why)
{
	for (int i = 1; i < ASPECT_COUNT; i++) {
		const enum status status = m->tries[i] ? trie_finish(m->tries[i], why)
						       : name_table_finish(m->names[i], why);

		if (status < 0)
			return status;
	}
	tidy(m->key_roots, &m->n_key_roots, true);
	tidy(m->log_names, &m->n_log_names, false);
	return STATUS_OK;
}

enum status matcher_new(const struct signature_set *set, struct matcher **ret, struct failure *why)
{
	CLEANUP(matcher_free_p) struct matcher *m = calloc(1, sizeof(*m));
	enum status status = STATUS_OK;

	if (!m)
		return no_memory(why);
	m->set = set;
	m->arena = arena_new(MATCHER_ARENA);
	m->steps = calloc(1, sizeof(*m->steps));
	m->scratch = arena_new(MATCHER_ARENA);
	if (!m->arena || !m->scratch || !m->steps)
		return no_memory(why);
	for (int i = 1; i < ASPECT_COUNT; i++) {
		if (pattern_has_components((enum aspect)i))
			m->tries[i] = trie_new();
		else
			m->names[i] = name_table_new();
		if (!m->tries[i] && !m->names[i])
			return no_memory(why);
	}
	m->memo = path_memo_new(m->tries[ASPECT_PATH]);
	if (!m->memo)
		return no_memory(why);
	for (size_t i = 0; status == STATUS_OK && i < set->n_products; i++) {
		status = add_product(m, i, why);
		if (status < 0 && why)
			failure_wrap(why, "product %s", set->products[i].id);
	}
	if (status == STATUS_OK)
		status = finish(m, why);
	if (status < 0)
		return status;
	*ret = m;
	m = NULL;
	return STATUS_OK;
}

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

/* A path is also the name of the program or driver it leads to. */
static enum aspect second_aspect(struct text name)
{
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
		if (g->marks[i] & fact_mark)
			break;
		const uint32_t branch = m->conditions[g->marks[i]].branch;
		const struct branch *b = &m->branches[branch];
		uint32_t positive = 0, last = MAP_NONE;
		bool vetoed = (b->lacks & g->present) != 0;

		for (; i < g->n && !(g->marks[i] & fact_mark) &&
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
		if (!(result.marks.items[i] & fact_mark))
			continue;
		const struct fact_hit hit = matcher->facts[result.marks.items[i] & ~fact_mark];
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
