/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/match/matcher_compile.h"

#include "analyzer/match/pattern.h"
#include "parsers/base/text.h"

/* Memory for all compiled patterns, bytes; the shipped set needs a few MiB. */
enum { MATCHER_ARENA = 512 << 20 };

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
	branches[m->n_branches++] = (struct branch){ (uint32_t)product, (uint32_t)component,
						     (uint32_t)alternative, 0, 0 };
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
			    FACT_MARK | (uint32_t)m->n_facts, &negated, why);

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
