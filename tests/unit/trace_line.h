/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVOUCH_TESTS_UNIT_TRACE_LINE_H
#define AVOUCH_TESTS_UNIT_TRACE_LINE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "parsers/parser.h"

/*
 * Traces as lines "type|field=value|...|recovery=...|address=...|at=offset+size|", for tests to look
 * into.
 */
struct trace_lines {
	char **lines;
	size_t n, room;
};

static inline void append_value(FILE *out, const struct value *value)
{
	char buffer[INSTANT_TEXT_SIZE];

	switch (value->kind) {
	case VALUE_ABSENT:
		break;
	case VALUE_TEXT:
		(void)fprintf(out, "%.*s", (int)value->text.size, value->text.data);
		break;
	case VALUE_UINT:
		(void)fprintf(out, "%llu", (unsigned long long)value->uint);
		break;
	case VALUE_INT:
		(void)fprintf(out, "%lld", (long long)value->sint);
		break;
	case VALUE_INSTANT:
		(void)fputs(instant_format(value->instant, buffer), out);
		break;
	case VALUE_BYTES:
		for (size_t i = 0; i < value->bytes.size && i < 64; i++)
			(void)fprintf(out, "%02x", value->bytes.data[i]);
		break;
	default:
		fail_msg("value of unknown kind");
	}
}

/* A trace must survive the wire: kinds as declared, sizes within the limits. */
static inline void must_survive_the_wire(const struct trace *trace)
{
	struct arena *arena = arena_new(1 << 20);
	struct failure why = FAILURE_NONE;
	struct span encoded;

	assert_int_equal(trace_encode(arena, trace, &encoded, &why), STATUS_OK);
	arena_free(arena);
}

static inline void trace_lines_add(struct trace_lines *all, const struct trace *trace)
{
	char *line = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&line, &size);

	assert_non_null(out);
	must_survive_the_wire(trace);
	(void)fputs(trace->type->name, out);
	for (size_t i = 0; i < trace_type_fields(trace->type); i++) {
		if (trace->values[i].kind == VALUE_ABSENT)
			continue;
		assert_int_equal(trace->values[i].kind, trace->type->fields[i].kind);
		(void)fprintf(out, "|%s=", trace->type->fields[i].name);
		append_value(out, &trace->values[i]);
	}
	(void)fprintf(out, "|recovery=%s|address=%.*s|at=%llu+%llu|",
		      recovery_name(trace->recovery), (int)trace->origin.address.size,
		      trace->origin.address.data, (unsigned long long)trace->origin.offset,
		      (unsigned long long)trace->origin.size);
	(void)fclose(out);
	if (getenv("AVOUCH_SHOW_TRACES"))
		(void)fprintf(stderr, "%s\n", line);
	if (all->n == all->room) {
		all->room = all->room ? 2 * all->room : 256;
		all->lines = realloc(all->lines, all->room * sizeof(*all->lines));
		assert_non_null(all->lines);
	}
	all->lines[all->n++] = line;
}

static inline void trace_lines_clear(struct trace_lines *all)
{
	for (size_t i = 0; i < all->n; i++)
		free(all->lines[i]);
	free(all->lines);
	*all = (struct trace_lines){ NULL, 0, 0 };
}

/* How many begin with the type (all if NULL) and contain both pieces (NULL: anything). */
static inline size_t count_matching(const struct trace_lines *all, const char *type,
				    const char *piece, const char *other)
{
	size_t n = 0;

	for (size_t i = 0; i < all->n; i++) {
		const char *line = all->lines[i];

		n += (!type ||
		      (strncmp(line, type, strlen(type)) == 0 && line[strlen(type)] == '|')) &&
		     (!piece || strstr(line, piece)) && (!other || strstr(line, other));
	}
	return n;
}

#endif
