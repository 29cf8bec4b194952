/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/collect/supervisor.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>

enum { LINE_SIZE = 44 }; /* two numbers of 64 bits, '+', end of line and NUL */

void ranges_of_lines(const char *lines, struct range_list *ret)
{
	while (lines && isdigit((unsigned char)*lines)) {
		char *end;
		const uint64_t offset = strtoull(lines, &end, 10);

		if (*end != '+' || !isdigit((unsigned char)end[1]))
			return;

		const uint64_t size = strtoull(end + 1, &end, 10);

		(void)ranges_add(ret, offset, size); /* in order, as many as were there before */
		lines = *end == '\n' ? end + 1 : NULL;
	}
}

char *lines_of_ranges(const struct range_list *ranges)
{
	char *text = malloc(ranges->n_items * LINE_SIZE + 1);
	size_t used = 0;

	for (size_t i = 0; text && i < ranges->n_items; i++)
		used += (size_t)snprintf(text + used, LINE_SIZE, "%s%" PRIu64 "+%" PRIu64,
					 i ? "\n" : "", ranges->items[i].offset,
					 ranges->items[i].size);
	if (text)
		text[used] = '\0';
	return text;
}
