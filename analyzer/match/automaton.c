/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/match/automaton.h"

#include <stdlib.h>

static uint32_t add_node(struct automaton *a, uint32_t parent, uint8_t byte)
{
	struct automaton_node *nodes = grown(a->nodes, a->n_nodes, sizeof(*nodes));

	if (!nodes)
		return MAP_NONE;
	a->nodes = nodes;
	const uint32_t node = (uint32_t)a->n_nodes++;

	nodes[node] = (struct automaton_node){ .ends = MAP_NONE, .parent = parent, .byte = byte };
	if (node != 0) {
		nodes[node].sibling = nodes[parent].child;
		nodes[parent].child = node;
		if (!pair_map_add(&a->edges, parent, byte, node))
			return MAP_NONE;
	}
	return node;
}

bool automaton_add(struct automaton *a, struct text literal, uint32_t id)
{
	uint32_t node = 0;

	if (a->n_nodes == 0 && add_node(a, 0, 0) == MAP_NONE)
		return false;
	for (size_t i = 0; i < literal.size; i++) {
		const uint8_t byte = (uint8_t)literal.data[i];
		uint32_t next = pair_map_find(&a->edges, node, byte);

		if (next == MAP_NONE)
			next = add_node(a, node, byte);
		if (next == MAP_NONE)
			return false;
		node = next;
	}
	struct automaton_id *ids = grown(a->ids, a->n_ids, sizeof(*ids));

	if (!ids)
		return false;
	a->ids = ids;
	ids[a->n_ids] = (struct automaton_id){ id, a->nodes[node].ends };
	a->nodes[node].ends = (uint32_t)a->n_ids++;
	return true;
}

static uint32_t step(const struct automaton *a, uint32_t node, uint8_t byte)
{
	for (;;) {
		const uint32_t next = pair_map_find(&a->edges, node, byte);

		if (next != MAP_NONE)
			return next;
		if (node == 0)
			return 0;
		node = a->nodes[node].fail;
	}
}

/* Entries of a full table (4 bytes each); a larger automaton keeps to its edges. */
enum { MAX_TABLE = 8 << 20 };
/* Set in an entry when a literal ends at its node: most steps need not look at the node itself. */
static const uint32_t ends_here = UINT32_C(1) << 31;

static bool has_output(const struct automaton_node *node)
{
	return node->ends != MAP_NONE || node->output != 0;
}

/* queue holds all nodes, shallow ones first, so that a node's fail link is filled before it. */
static bool build_table(struct automaton *a, const uint32_t *queue)
{
	bool used[256] = { false };

	a->n_classes = 1;
	for (size_t i = 1; i < a->n_nodes; i++)
		used[a->nodes[i].byte] = true;
	for (int byte = 0; byte < 256; byte++)
		a->classes[byte] = used[byte] ? (uint8_t)a->n_classes++ : 0;
	if (a->n_classes > 255 || a->n_nodes > MAX_TABLE / a->n_classes)
		return true;
	a->table = calloc(a->n_nodes * a->n_classes, sizeof(*a->table));
	if (!a->table)
		return false;
	for (size_t i = 0; i < a->n_nodes; i++) {
		const struct automaton_node *node = &a->nodes[queue[i]];
		uint32_t *row = a->table + (size_t)queue[i] * a->n_classes;
		const uint32_t *fail_row = a->table + (size_t)node->fail * a->n_classes;

		for (uint32_t k = 0; queue[i] != 0 && k < a->n_classes; k++)
			row[k] = fail_row[k];
		for (uint32_t child = node->child; child; child = a->nodes[child].sibling)
			row[a->classes[a->nodes[child].byte]] =
				child | (has_output(&a->nodes[child]) ? ends_here : 0);
	}
	return true;
}

bool automaton_finish(struct automaton *a)
{
	if (a->n_nodes == 0)
		return true;
	uint32_t *queue = calloc(a->n_nodes, sizeof(*queue));
	size_t head = 0, tail = 1;

	if (!queue)
		return false;
	while (head < tail) {
		const uint32_t node = queue[head++];

		for (uint32_t child = a->nodes[node].child; child;
		     child = a->nodes[child].sibling) {
			struct automaton_node *c = &a->nodes[child];

			c->fail = node == 0 ? 0 : step(a, a->nodes[node].fail, c->byte);
			c->output = a->nodes[c->fail].ends != MAP_NONE ? c->fail
								       : a->nodes[c->fail].output;
			queue[tail++] = child;
		}
	}
	const bool ok = build_table(a, queue);

	free(queue);
	return ok;
}

/* Tells the literals that end at a node; false when told to stop. */
static bool tell(const struct automaton *a, uint32_t node,
		 bool (*found)(void *payload, uint32_t id), void *payload, uint64_t *steps)
{
	uint32_t end = a->nodes[node].ends != MAP_NONE ? node : a->nodes[node].output;

	for (; end != 0; end = a->nodes[end].output)
		for (uint32_t k = a->nodes[end].ends; k != MAP_NONE; k = a->ids[k].next) {
			++*steps;
			if (!found(payload, a->ids[k].id))
				return false;
		}
	return true;
}

void automaton_scan(const struct automaton *a, struct text text,
		    bool (*found)(void *payload, uint32_t id), void *payload, uint64_t *steps)
{
	uint32_t node = 0;

	if (a->n_nodes == 0)
		return;
	*steps += text.size;
	for (size_t i = 0; i < text.size; i++) {
		const uint8_t byte = (uint8_t)text.data[i];
		bool ends;

		if (a->table) {
			node = a->table[(size_t)node * a->n_classes + a->classes[byte]];
			ends = node & ends_here;
			node &= ~ends_here;
		} else {
			node = step(a, node, byte);
			ends = has_output(&a->nodes[node]);
		}
		if (ends && !tell(a, node, found, payload, steps))
			return;
	}
}

void automaton_clear(struct automaton *a)
{
	free(a->table);
	free(a->nodes);
	free(a->ids);
	pair_map_clear(&a->edges);
	*a = (struct automaton){ 0 };
}
