/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <getopt.h>

#include "analyzer/command/citation.h"
#include "analyzer/command/command.h"

enum { LINE_ROOM = 1024, PATH_ROOM = 4096 };

/* The lines of a summary as objects; a line of another form is left out and told. */
static json_t *read_summary(FILE *in)
{
	json_t *rows = json_array();
	char line[LINE_ROOM];

	while (fgets(line, sizeof(line), in)) {
		char id[256], outcome[64], qualified[8];
		int status;

		if (strncmp(line, "id,", 3) == 0)
			continue;
		if (sscanf(line, "%255[^,],%63[^,],%7[^,],%d", id, outcome, qualified, &status) != 4) {
			(void)fail(EXIT_FAULT, "a line of the summary is not understood");
			continue;
		}
		json_array_append_new(rows, json_pack("{s:s,s:s,s:b,s:i}", "id", id, "outcome",
						      outcome, "qualified",
						      strcmp(qualified, "true") == 0,
						      "exit_status", status));
	}
	return rows;
}

static int compare_ids(const void *a, const void *b)
{
	const json_t *const *x = a, *const *y = b;

	return strcmp(citation_text(*x, "id"), citation_text(*y, "id"));
}

static json_t *sorted(const json_t *rows)
{
	const size_t n = json_array_size(rows);
	json_t **order = calloc(n + 1, sizeof(json_t *));
	json_t *ret = order ? json_array() : NULL;

	for (size_t i = 0; order && i < n; i++)
		order[i] = json_array_get(rows, i);
	if (order)
		qsort(order, n, sizeof(json_t *), compare_ids);
	for (size_t i = 0; ret && i < n; i++)
		json_array_append(ret, order[i]);
	free(order);
	return ret;
}

static void tell(const json_t *rows)
{
	printf("%-24s %-16s %-10s %s\n", "id", "outcome", "qualified", "exit status");
	for (size_t i = 0; i < json_array_size(rows); i++) {
		const json_t *row = json_array_get(rows, i);

		printf("%-24s %-16s %-10s %d\n", citation_text(row, "id"),
		       citation_text(row, "outcome"),
		       json_is_true(json_object_get(row, "qualified")) ? "yes" : "no",
		       (int)json_integer_value(json_object_get(row, "exit_status")));
	}
}

static int run(int argc, char **argv)
{
	static const struct option longs[] = { { "json", no_argument, NULL, 'j' },
					       { "help", no_argument, NULL, 'h' },
					       { NULL, 0, NULL, 0 } };
	char path[PATH_ROOM];
	bool as_json = false;

	for (int o; (o = getopt_long(argc, argv, "h", longs, NULL)) != -1;) {
		if (o == 'h') {
			fputs(fleet_command.usage, stdout);
			return 0;
		}
		if (o != 'j')
			return usage_error("fleet", "option not understood");
		as_json = true;
	}
	if (argc - optind != 1)
		return usage_error("fleet", "the folder of a batch must be named");
	(void)snprintf(path, sizeof(path), "%s/summary.csv", argv[optind]);

	FILE *in = fopen(path, "re");

	if (!in)
		return fail(EXIT_UNREADABLE, "'%s': %s", path, strerror(errno));

	json_t *rows = read_summary(in);
	json_t *ordered = sorted(rows);

	(void)fclose(in); /* only read from */
	if (as_json) {
		(void)json_dumpf(ordered, stdout, JSON_INDENT(1) | JSON_SORT_KEYS);
		putchar('\n');
	} else {
		tell(ordered);
	}
	json_decref(ordered);
	json_decref(rows);
	return 0;
}

const struct command fleet_command = {
	.name = "fleet",
	.summary = "the roll-up of a batch",
	.usage = "Usage: avouch fleet [--json] DIR\n"
		 "Prints what a batch found, image by image, sorted by id.\n",
	.run = run,
};
