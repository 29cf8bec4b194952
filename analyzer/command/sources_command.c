/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/command/command.h"

/* The table of sources for the documentation, made from the table of parsers itself. */
static int run(int argc, char **argv)
{
	(void)argv;
	if (argc > 1) {
		fputs(sources_command.usage, stdout);
		return 0;
	}
	puts("| source | systems | what it asserts | parser | traces |\n|---|---|---|---|---|");
	for (size_t i = 0; all_parsers[i]; i++) {
		const struct parser *p = all_parsers[i];

		printf("| %s | %s | %s | `%s` |", p->title, p->versions, p->asserts, p->name);
		for (size_t k = 0; p->emits[k]; k++)
			printf(" `%s`", p->emits[k]->name);
		puts(" |");
	}
	return 0;
}

const struct command sources_command = {
	.name = "sources",
	.summary = "list what is read and what it asserts",
	.usage = "Usage: avouch sources\nPrints the table of sources that are read (Markdown).\n",
	.run = run,
};
