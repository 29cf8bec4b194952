/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/command/command.h"
#include "parsers/base/limits.h"

enum topic { TOPIC_PRODUCTS, TOPIC_MANDATES };

static int lint(const char *folder)
{
	struct lint_report report = { NULL, 0 };
	struct failure why = FAILURE_NONE;
	const enum status status = signatures_lint(folder, folder, &report, &why);
	const size_t n = report.n_messages;

	if (report.text)
		fputs(report.text, stdout);
	lint_report_clear(&report);
	if (status < 0 && status != ERR_FORMAT)
		return fail(EXIT_USAGE, "%s", why.text);
	printf("%zu message%s\n", n, n == 1 ? "" : "s");
	return n ? 1 : 0;
}

static int print_file(const char *path)
{
	FILE *in = fopen(path, "re");
	char line[4096];

	if (!in)
		return fail(EXIT_FAULT, "cannot read '%s'", path);
	while (fgets(line, sizeof(line), in))
		fputs(line, stdout);
	(void)fclose(in); /* only read from */
	return 0;
}

static int list(const struct knowledge *k, enum topic topic)
{
	for (size_t i = 0; topic == TOPIC_PRODUCTS && i < k->signatures->n_products; i++) {
		const struct product *p = &k->signatures->products[i];

		printf("%-36s %-18s %s\n", p->id, product_kind_name(p->kind), p->name);
	}
	for (size_t i = 0; topic == TOPIC_MANDATES && i < k->shipped->n_mandates; i++) {
		const struct mandate *m = &k->shipped->mandates[i];

		for (unsigned s = 0; s < m->n_milestones; s++) {
			char limit[INSTANT_TEXT_SIZE];
			const struct milestone *step = &m->milestones[s];

			printf("%-20s %-4s %-16s %-22s %s%s\n", m->id, step->id,
			       duty_name(step->duty),
			       instant_is_set(step->deadline) ?
				       ticks_format(step->deadline.ticks, limit) : "-",
			       m->by_default ? "(default) " : "", m->title);
		}
	}
	return 0;
}

static int show(const struct knowledge *k, enum topic topic, const char *id)
{
	if (topic == TOPIC_MANDATES) {
		const struct mandate *m = mandate_find(k->shipped, id);

		return m ? print_file(m->file) :
			   fail(EXIT_USAGE, "no mandate '%s'; 'avouch mandates list' shows them", id);
	}

	const size_t at = signature_find_product(k->signatures, id);

	if (at == SIGNATURE_NONE)
		return fail(EXIT_USAGE, "no product '%s'; 'avouch products list' shows them", id);
	return print_file(k->signatures->products[at].file);
}

static int run_topic(int argc, char **argv, enum topic topic, const struct command *command)
{
	const char *verb = argc > 1 ? argv[1] : "";
	struct judging_options options = { .n_mandates = 0 };
	struct knowledge knowledge = { .n_own = 0 };
	int status;

	if (strcmp(verb, "--help") == 0 || strcmp(verb, "-h") == 0) {
		fputs(command->usage, stdout);
		return 0;
	}
	if (strcmp(verb, "lint") == 0)
		return lint(signatures_folder(argc > 2 ? argv[2] : NULL));
	if (strcmp(verb, "list") != 0 && (strcmp(verb, "show") != 0 || argc < 3))
		return usage_error(command->name, "list, show ID or lint [FOLDER] is needed");
	status = knowledge_load(&knowledge, &options);
	if (status == 0)
		status = strcmp(verb, "list") == 0 ? list(&knowledge, topic) :
						     show(&knowledge, topic, argv[2]);
	knowledge_clear(&knowledge);
	return status;
}

static int run_products(int argc, char **argv)
{
	return run_topic(argc, argv, TOPIC_PRODUCTS, &products_command);
}

static int run_mandates(int argc, char **argv)
{
	return run_topic(argc, argv, TOPIC_MANDATES, &mandates_command);
}

const struct command products_command = {
	.name = "products",
	.summary = "list, show or check the product signatures",
	.usage = "Usage: avouch products list | show ID | lint [FOLDER]\n"
		 "lint checks products and mandates alike; exit status 1 when it finds something.\n",
	.run = run_products,
};

const struct command mandates_command = {
	.name = "mandates",
	.summary = "list, show or check the mandates",
	.usage = "Usage: avouch mandates list | show ID | lint [FOLDER]\n"
		 "lint checks products and mandates alike; exit status 1 when it finds something.\n",
	.run = run_mandates,
};
