/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/command/command.h"

static const struct command *const commands[] = {
	&analyze_command,  &judge_command,    &report_command,   &timeline_command,
	&products_command, &mandates_command, &sources_command,
	&cite_command,	   &verify_command,   &explain_command,  &batch_command,
	&fleet_command,
};

static void help(FILE *out)
{
	fputs("Avouch reads disk images and tells, with citations, whether an antivirus product\n"
	      "was installed, when it came, when it went, and whether it was gone by a mandated\n"
	      "deadline. Evidence is opened read-only.\n\nUsage: avouch COMMAND [options] ...\n\n",
	      out);
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		fprintf(out, "  %-10s %s\n", commands[i]->name, commands[i]->summary);
	fputs("\n'avouch COMMAND --help' tells more.\n\n"
	      "Exit status: 0 compliant, 1 non-compliant, 2 cannot say (worst verdict of the mandates\n"
	      "named with -m); 64 usage, 65 nothing of the evidence could be read, 70 internal fault.\n",
	      out);
}

int main(int argc, char **argv)
{
	/* libewf formats header dates in the local zone; nothing here may depend on it. */
	if (setenv("TZ", "UTC", 1) != 0)
		return fail(EXIT_FAULT, "no memory");
	if (argc < 2 || strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
		help(argc < 2 ? stderr : stdout);
		return argc < 2 ? EXIT_USAGE : 0;
	}
	if (strcmp(argv[1], "--version") == 0) {
		puts("avouch " AVOUCH_VERSION);
		return 0;
	}
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (strcmp(commands[i]->name, argv[1]) == 0)
			return commands[i]->run(argc - 1, argv + 1);
	fprintf(stderr, "avouch: no command '%s'\n\n", argv[1]);
	help(stderr);
	return EXIT_USAGE;
}
