/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/collect/options.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Address space that a reader is given at least, whatever the budget. */
#define READER_MEMORY_MIN ((uint64_t)1 << 30)

/* The budget of all readers together; 0: unknown. */
static uint64_t memory_budget(const struct collect_options *options)
{
	const long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGE_SIZE);

	if (options->memory)
		return options->memory;
	return pages > 0 && page > 0 ? (uint64_t)pages * (uint64_t)page / 2 : 0;
}

unsigned reader_count(const struct collect_options *options)
{
	const long processors = sysconf(_SC_NPROCESSORS_ONLN);
	const uint64_t room = memory_budget(options) / READER_MEMORY_MIN;
	unsigned count = processors < 1 ? 1 : processors > 8 ? 8 : (unsigned)processors;

	if (options->jobs)
		count = options->jobs < MAX_READERS ? options->jobs : MAX_READERS;
	if (room < count && memory_budget(options))
		count = room ? (unsigned)room : 1;
	return count;
}

uint64_t reader_memory(const struct collect_options *options)
{
	const uint64_t budget = memory_budget(options);
	const uint64_t share = budget / reader_count(options);

	return budget == 0 ? 0 : share > READER_MEMORY_MIN ? share : READER_MEMORY_MIN;
}

/* One number of a choice at *p, which moves on; 0 when there is none. */
static unsigned choice_number(const char **p)
{
	char *end = NULL;
	const unsigned long number = **p >= '1' && **p <= '9' ? strtoul(*p, &end, 10) : 0;

	if (number > 0 && number < 1000000) {
		*p = end;
		return (unsigned)number;
	}
	return 0;
}

/* The range at *p ("3" or "3..5"); false at the end or when malformed. */
static bool choice_range(const char **p, unsigned *first, unsigned *last)
{
	*first = *last = choice_number(p);
	if (*first && strncmp(*p, "..", 2) == 0) {
		*p += 2;
		*last = choice_number(p);
	}
	if (!*first || *last < *first || (**p != ',' && **p != '\0'))
		return false;
	if (**p == ',')
		++*p;
	return true;
}

bool collect_choice_is_valid(const char *choice, bool none_allowed)
{
	unsigned first, last;

	if (!choice || strcmp(choice, "all") == 0)
		return true;
	if (strcmp(choice, "none") == 0)
		return none_allowed;
	if (!*choice || choice[strlen(choice) - 1] == ',')
		return false;
	while (*choice)
		if (!choice_range(&choice, &first, &last))
			return false;
	return true;
}

bool collect_choice_has(const char *choice, unsigned number)
{
	unsigned first, last;

	if (!choice || strcmp(choice, "all") == 0)
		return true;
	while (*choice && choice_range(&choice, &first, &last))
		if (number >= first && number <= last)
			return true;
	return false;
}
