/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/match/trie.h"

/* Nodes a path may be at together; real sets stay below 50. */
enum { MAX_ACTIVE = 1024, SYMBOL_ANY = 0 };

struct trie_node {
	uint32_t any;  /* child by '*', or 0 */
	uint32_t deep; /* child by '**', or 0 */
	uint32_t marks;
	bool stays; /* it was reached by '**' */
	bool has_children;
};

struct trie_mark {
	uint32_t mark, next;
};

struct trie {
	struct trie_node *nodes; /* 0 is the root */
	size_t n_nodes;
	struct pair_map children; /* (node, symbol) */
	struct trie_mark *marks;
	size_t n_marks;
	struct name_map symbols; /* component patterns to symbols, from 1 */
	uint32_t n_symbols;
	struct name_table *names; /* components to symbols */
	/*
	 * The same for symbols directly behind a '**', which are few: behind most folders of a volume
	 * nothing else can fit.
	 */
	struct name_table *deep_names;
	struct name_map deep_symbols;
};

static uint32_t add_node(struct trie *trie, bool stays)
{
	struct trie_node *nodes = grown(trie->nodes, trie->n_nodes, sizeof(*nodes));

	if (!nodes)
		return MAP_NONE;
	trie->nodes = nodes;
	nodes[trie->n_nodes] = (struct trie_node){ .marks = MAP_NONE, .stays = stays };
	return (uint32_t)trie->n_nodes++;
}

struct trie *trie_new(void)
{
	struct trie *trie = calloc(1, sizeof(*trie));

	if (!trie)
		return NULL;
	trie->names = name_table_new();
	trie->deep_names = name_table_new();
	if (!trie->names || !trie->deep_names || add_node(trie, false) == MAP_NONE) {
		trie_free(trie);
		return NULL;
	}
	return trie;
}

void trie_free(struct trie *trie)
{
	if (!trie)
		return;
	name_table_free(trie->names);
	name_table_free(trie->deep_names);
	name_map_clear(&trie->symbols);
	name_map_clear(&trie->deep_symbols);
	pair_map_clear(&trie->children);
	free(trie->nodes);
	free(trie->marks);
	free(trie);
}

static enum status find_symbol(struct trie *trie, struct arena *arena, struct text component,
			       uint32_t *ret, struct failure *why)
{
	uint32_t symbol = name_map_find(&trie->symbols, component);

	if (symbol == MAP_NONE) {
		symbol = ++trie->n_symbols;
		if (!name_map_add(&trie->symbols, component, symbol))
			return failure_set(why, ERR_NO_MEMORY, "symbols");
		const enum status status =
			name_table_add(trie->names, arena, component, symbol, why);

		if (status < 0)
			return status;
	}
	*ret = symbol;
	return STATUS_OK;
}

static enum status add_deep_symbol(struct trie *trie, struct arena *arena, struct text component,
				   uint32_t symbol, struct failure *why)
{
	if (name_map_find(&trie->deep_symbols, component) != MAP_NONE)
		return STATUS_OK;
	if (!name_map_add(&trie->deep_symbols, component, symbol))
		return failure_set(why, ERR_NO_MEMORY, "symbols");
	return name_table_add(trie->deep_names, arena, component, symbol, why);
}

/* The child of node by a component of a pattern, made if it is not there. */
static enum status step_in(struct trie *trie, struct arena *arena, struct text component,
			   uint32_t *node, struct failure *why)
{
	const bool deep = text_equal(component, TEXT("**"));
	const bool any = text_equal(component, TEXT("*"));
	const uint32_t parent = *node;
	uint32_t child, symbol = SYMBOL_ANY;

	if (deep || any) {
		child = deep ? trie->nodes[parent].deep : trie->nodes[parent].any;
		child = child ? child : MAP_NONE;
	} else {
		enum status status = find_symbol(trie, arena, component, &symbol, why);

		if (status >= 0 && trie->nodes[parent].stays)
			status = add_deep_symbol(trie, arena, component, symbol, why);
		if (status < 0)
			return status;
		child = pair_map_find(&trie->children, parent, symbol);
	}
	if (child == MAP_NONE) {
		child = add_node(trie, deep);
		if (child == MAP_NONE)
			return failure_set(why, ERR_NO_MEMORY, "trie");
		if (deep)
			trie->nodes[parent].deep = child;
		else if (any)
			trie->nodes[parent].any = child;
		else if (!pair_map_add(&trie->children, parent, symbol, child))
			return failure_set(why, ERR_NO_MEMORY, "trie");
		trie->nodes[parent].has_children |= !deep;
	}
	*node = child;
	return STATUS_OK;
}

/* The next component at or behind *pos; false at the end. */
static bool next_component(struct text path, size_t *pos, struct text *ret)
{
	size_t start = *pos;

	while (start < path.size && path.data[start] == '/')
		start++;
	size_t end = start;

	while (end < path.size && path.data[end] != '/')
		end++;
	*pos = end;
	*ret = (struct text){ path.data + start, end - start };
	return end > start;
}

enum status trie_add(struct trie *trie, struct arena *arena, struct text pattern, uint32_t mark,
		     struct failure *why)
{
	struct text component;
	uint32_t node = 0;

	for (size_t pos = 0; next_component(pattern, &pos, &component);) {
		const enum status status = step_in(trie, arena, component, &node, why);

		if (status < 0)
			return status;
	}
	struct trie_mark *marks = grown(trie->marks, trie->n_marks, sizeof(*marks));

	if (!marks)
		return failure_set(why, ERR_NO_MEMORY, "trie");
	trie->marks = marks;
	marks[trie->n_marks] = (struct trie_mark){ mark, trie->nodes[node].marks };
	trie->nodes[node].marks = (uint32_t)trie->n_marks++;
	return STATUS_OK;
}

enum status trie_finish(struct trie *trie, struct failure *why)
{
	const enum status status = name_table_finish(trie->names, why);

	return status < 0 ? status : name_table_finish(trie->deep_names, why);
}

struct front {
	uint32_t nodes[MAX_ACTIVE];
	size_t n;
	bool overrun;
};

static void put(struct front *front, uint32_t node)
{
	for (size_t i = 0; i < front->n; i++)
		if (front->nodes[i] == node)
			return;
	if (front->n == MAX_ACTIVE)
		front->overrun = true;
	else
		front->nodes[front->n++] = node;
}

/* '**' may stand for nothing: its node takes part without a component spent on it. */
static void close_front(const struct trie *trie, struct front *front)
{
	for (size_t i = 0; i < front->n; i++)
		if (trie->nodes[front->nodes[i]].deep)
			put(front, trie->nodes[front->nodes[i]].deep);
}

static void advance(const struct trie *trie, const struct front *now, const struct marks *symbols,
		    struct front *next, uint64_t *steps)
{
	next->n = 0;
	for (size_t i = 0; i < now->n; i++) {
		const struct trie_node *node = &trie->nodes[now->nodes[i]];

		++*steps;
		if (node->stays)
			put(next, now->nodes[i]);
		if (node->any)
			put(next, node->any);
		if (!node->has_children)
			continue;
		for (size_t k = 0; k < symbols->n; k++) {
			const uint32_t child =
				pair_map_find(&trie->children, now->nodes[i], symbols->items[k]);

			++*steps;
			if (child != MAP_NONE)
				put(next, child);
		}
	}
}

static enum status gather(const struct trie *trie, const struct front *front, struct arena *arena,
			  struct trie_result *result)
{
	size_t n = 0;

	for (size_t i = 0; i < front->n; i++) {
		const struct trie_node *node = &trie->nodes[front->nodes[i]];

		result->below |= node->has_children || node->deep || node->stays;
		result->below_named |= node->has_children && !node->stays;
		for (uint32_t m = node->marks; m != MAP_NONE; m = trie->marks[m].next)
			n++;
	}
	if (n == 0)
		return STATUS_OK;
	result->marks.items = arena_array(arena, n, sizeof(*result->marks.items));
	if (!result->marks.items)
		return ERR_NO_MEMORY;
	for (size_t i = 0; i < front->n; i++)
		for (uint32_t m = trie->nodes[front->nodes[i]].marks; m != MAP_NONE;
		     m = trie->marks[m].next)
			result->marks.items[result->marks.n++] = trie->marks[m].mark;
	return STATUS_OK;
}

/* A place is a closed front; the root's is made here. The room for nodes stays as it was. */
static void start_front(struct front *front, const struct trie_place *place)
{
	front->n = place ? place->n : 1;
	front->overrun = false;
	if (place)
		memcpy(front->nodes, place->nodes, place->n * sizeof(*front->nodes));
	else
		front->nodes[0] = 0;
}

enum status trie_find(const struct trie *trie, struct text folded, struct arena *arena,
		      struct trie_result *ret, uint64_t *steps)
{
	struct trie_result result = { 0 };
	struct front fronts[2];
	struct front *now = &fronts[0], *next = &fronts[1];
	struct text component;
	bool overrun = false;

	start_front(now, NULL);
	next->overrun = false;
	for (size_t pos = 0; now->n && next_component(folded, &pos, &component);) {
		struct marks symbols;
		const enum status status =
			name_table_find(trie->names, component, arena, &symbols, steps);

		if (status < 0)
			return status;
		close_front(trie, now);
		advance(trie, now, &symbols, next, steps);
		overrun |= now->overrun || next->overrun;
		struct front *swap = now;

		now = next;
		next = swap;
	}
	const enum status status = gather(trie, now, arena, &result);

	result.marks.undecided = overrun;
	if (status == STATUS_OK)
		*ret = result;
	return status;
}

static const struct name_table *names_at(const struct trie *trie, const struct trie_place *place)
{
	return place && place->only_deep ? trie->deep_names : trie->names;
}

/* One component on from a place. */
static enum status step_on(const struct trie *trie, const struct trie_place *place,
			   struct text component, struct arena *arena, struct front *next,
			   uint64_t *steps)
{
	struct front now;
	struct marks symbols;
	const enum status status =
		name_table_find(names_at(trie, place), component, arena, &symbols, steps);

	if (status < 0)
		return status;
	start_front(&now, place);
	close_front(trie, &now);
	next->overrun = false;
	advance(trie, &now, &symbols, next, steps);
	return now.overrun || next->overrun ? ERR_LIMIT : STATUS_OK;
}

/* Keeps of a closed front what matters to the names below. */
static enum status keep_place(const struct trie *trie, const struct front *front,
			      struct arena *arena, struct trie_place *ret)
{
	struct trie_place place = {
		.nodes = arena_array(arena, front->n + 1, sizeof(*place.nodes)),
		.only_deep = true,
	};

	if (!place.nodes)
		return ERR_NO_MEMORY;
	for (size_t i = 0; i < front->n; i++) {
		const struct trie_node *node = &trie->nodes[front->nodes[i]];

		place.all |= node->stays && node->marks != MAP_NONE;
		place.all |= node->any && trie->nodes[node->any].marks != MAP_NONE;
		place.only_deep &= node->stays || !node->has_children;
		if (node->has_children || node->stays)
			place.nodes[place.n++] = front->nodes[i];
	}
	*ret = place;
	return STATUS_OK;
}

enum status trie_root(const struct trie *trie, struct arena *arena, struct trie_place *ret)
{
	struct front front;

	start_front(&front, NULL);
	close_front(trie, &front);
	return front.overrun ? ERR_LIMIT : keep_place(trie, &front, arena, ret);
}

enum status trie_enter(const struct trie *trie, const struct trie_place *above,
		       struct text folded_component, struct arena *arena, struct trie_place *ret,
		       uint64_t *steps)
{
	struct front front;
	const enum status status =
		step_on(trie, above, folded_component, arena, &front, steps);

	if (status < 0)
		return status;
	close_front(trie, &front);
	return front.overrun ? ERR_LIMIT : keep_place(trie, &front, arena, ret);
}

bool trie_may_fit(const struct trie *trie, const struct trie_place *place, struct text name)
{
	/* Without a symbol '*' and '**' are all that is left: where they fit, every name does. */
	return place->all || (place->n && name_table_may_fit(names_at(trie, place), name));
}

enum status trie_fits(const struct trie *trie, const struct trie_place *place,
		      struct text folded_component, struct arena *arena, bool *ret,
		      uint64_t *steps)
{
	struct front front;
	bool fits = place->all;
	const enum status status =
		fits || place->n == 0 ?
			STATUS_OK :
			step_on(trie, place, folded_component, arena, &front, steps);

	if (status < 0)
		return status;
	for (size_t i = 0; !fits && place->n && i < front.n; i++)
		fits = trie->nodes[front.nodes[i]].marks != MAP_NONE;
	*ret = fits;
	return STATUS_OK;
}
