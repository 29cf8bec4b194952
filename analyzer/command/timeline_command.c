/* SPDX-License-Identifier: Apache-2.0 */
#include <getopt.h>

#include "analyzer/command/command.h"
#include "analyzer/export/timeline.h"

static int run(int argc, char **argv)
{
	static const struct option longs[] = { { "format", required_argument, NULL, 'f' },
					       { "help", no_argument, NULL, 'h' },
					       { NULL, 0, NULL, 0 } };
	const struct timeline_format *format = timeline_format_find("text");

	for (int o; (o = getopt_long(argc, argv, "f:h", longs, NULL)) != -1;) {
		if (o == 'h') {
			fputs(timeline_command.usage, stdout);
			return 0;
		}
		if (o != 'f')
			return usage_error("timeline", "option not understood");
		format = timeline_format_find(optarg);
		if (!format)
			return usage_error("timeline", "no timeline format '%s'", optarg);
	}
	if (optind + 1 != argc)
		return usage_error("timeline", "one case must be named");

	CLEANUP(arena_free_p) struct arena *arena = arena_new((size_t)4 << 30);
	CLEANUP(case_close_p) struct case_file *file = NULL;
	struct case_contents contents;
	struct failure why = FAILURE_NONE;

	if (!arena || case_open(argv[optind], false, &file, &why) < 0 ||
	    case_load(file, arena, &contents, &why) < 0)
		return fail(EXIT_UNREADABLE, "%s", why.text);
	if (timeline_write(arena, &contents, format, stdout, &why) < 0)
		return fail(EXIT_FAULT, "%s", why.text);
	return 0;
}

const struct command timeline_command = {
	.name = "timeline",
	.summary = "print every dated trace of a case in order",
	.usage = "Usage: avouch timeline [--format FORMAT] CASE\n"
		 "Prints every time of every trace, in order of time. Formats: text (default),\n"
		 "csv, jsonl, timesketch, bodyfile, tln, l2tcsv. Times are UTC; local times of the\n"
		 "machine are not converted and are marked 'local time'.\n",
	.run = run,
};
