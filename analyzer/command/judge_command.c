/* SPDX-License-Identifier: Apache-2.0 */
#include <getopt.h>

#include "analyzer/command/command.h"

static int run(int argc, char **argv)
{
	static const struct option longs[] = { JUDGING_LONG_OPTIONS, { NULL, 0, NULL, 0 } };
	struct judging_options options = { .n_mandates = 0 };
	struct knowledge knowledge = { .n_own = 0 };
	int worst = 0;

	for (int o; (o = getopt_long(argc, argv, "m:qh", longs, NULL)) != -1;) {
		if (o == 'h') {
			fputs(judge_command.usage, stdout);
			return 0;
		}
		if (!judging_option(&options, o, optarg))
			return usage_error("judge", "option not understood");
	}
	if (optind == argc)
		return usage_error("judge", "no case named");

	int status = knowledge_load(&knowledge, &options);

	for (int i = optind; i < argc && status == 0; i++) {
		struct failure why = FAILURE_NONE;
		CLEANUP(case_close_p) struct case_file *file = NULL;
		CLEANUP(arena_free_p) struct arena *arena = arena_new(CASE_ARENA);
		struct case_contents contents;

		if (case_open(argv[i], true, &file, &why) < 0) {
			status = fail(EXIT_UNREADABLE, "%s", why.text);
			break;
		}

		if (!arena || case_load(file, arena, &contents, &why) < 0) {
			status = fail(EXIT_FAULT, "judging failed: %s", why.text);
			break;
		}

		const int one = judge_and_report(file, arena, &contents, &knowledge, &options);

		if (one >= EXIT_USAGE)
			status = one;
		worst = one == 1 || worst == 1 ? 1 : one > worst ? one : worst;
	}
	knowledge_clear(&knowledge);
	return status ? status : worst;
}

const struct command judge_command = {
	.name = "judge",
	.summary = "judge cases again, without the image",
	.usage = "Usage: avouch judge [options] CASE...\n"
		 "Judges what a case holds against mandates; the earlier judgements stay in it.\n\n"
		 JUDGING_HELP,
	.run = run,
};
