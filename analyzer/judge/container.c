/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a removal is bounded by under the container rule: the parsers emit the parent key's own cell
 * and the parent folder's own record as traces of the same source, so that they can be cited.
 */
#include "analyzer/judge/witness.h"

/* The first trace of a source; traces are ordered by source. */
static size_t first_of(const struct case_contents *contents, int64_t source)
{
	size_t low = 0, high = contents->n_traces;

	while (low < high) {
		const size_t middle = low + (high - low) / 2;

		if (contents->traces[middle].source < source)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool is_key(const struct trace *t, const struct trace *child)
{
	return strcmp(t->type->name, "windows.registry.container") == 0 &&
	       trace_uint(t, "cell") == trace_uint(child, "container_cell");
}

static bool is_folder(const struct trace *t, const struct trace *child)
{
	return strcmp(t->type->name, "filesystem.file") == 0 &&
	       t->recovery == RECOVERY_ALLOCATED &&
	       trace_uint(t, "entry") == trace_uint(child, "parent") &&
	       trace_uint(t, "sequence") == trace_uint(child, "parent_sequence");
}

const struct case_trace *container_of(const struct case_contents *contents,
				      const struct case_trace *child)
{
	const bool of_key = trace_get(&child->trace, "container_cell")->kind == VALUE_UINT;

	if (!of_key && trace_get(&child->trace, "container_modified")->kind == VALUE_ABSENT)
		return NULL;
	for (size_t i = first_of(contents, child->source);
	     i < contents->n_traces && contents->traces[i].source == child->source; i++) {
		const struct trace *t = &contents->traces[i].trace;

		if (of_key ? is_key(t, &child->trace) : is_folder(t, &child->trace))
			return &contents->traces[i];
	}
	return NULL;
}
