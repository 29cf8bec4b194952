/* SPDX-License-Identifier: Apache-2.0 */
#include <getopt.h>

#include "analyzer/command/command.h"
#include "analyzer/report/document.h"
#include "parsers/base/limits.h"

enum form { FORM_TEXT, FORM_JSON, FORM_HTML };

static int write_form(const struct case_judgement *judgement, enum form form)
{
	json_error_t error;
	json_t *document = json_loads(judgement->document, 0, &error);

	if (!document)
		return fail(EXIT_FAULT, "the judgement in the case is damaged: %s", error.text);
	if (form == FORM_JSON)
		fputs(judgement->document, stdout);
	else if (form == FORM_HTML)
		report_write_html(document, stdout);
	else
		report_write_text(document, stdout);
	json_decref(document);
	return 0;
}

static int run(int argc, char **argv)
{
	static const struct option longs[] = { { "text", no_argument, NULL, 't' },
					       { "json", no_argument, NULL, 'j' },
					       { "html", no_argument, NULL, 'w' },
					       { "help", no_argument, NULL, 'h' },
					       { NULL, 0, NULL, 0 } };
	enum form form = FORM_TEXT;

	for (int o; (o = getopt_long(argc, argv, "h", longs, NULL)) != -1;) {
		if (o == 'h') {
			fputs(report_command.usage, stdout);
			return 0;
		}
		if (o != 't' && o != 'j' && o != 'w')
			return usage_error("report", "option not understood");
		form = o == 'j' ? FORM_JSON : o == 'w' ? FORM_HTML : FORM_TEXT;
	}
	if (optind + 1 != argc)
		return usage_error("report", "one case must be named");

	CLEANUP(arena_free_p) struct arena *arena = arena_new(LIMIT_ARENA);
	CLEANUP(case_close_p) struct case_file *file = NULL;
	struct case_judgement judgement;
	struct failure why = FAILURE_NONE;

	if (!arena || case_open(argv[optind], false, &file, &why) < 0)
		return fail(EXIT_UNREADABLE, "%s", why.text);

	const enum status status = case_find_judgement(file, 0, arena, &judgement, &why);

	if (status < 0)
		return fail(EXIT_FAULT, "%s", why.text);
	if (status == STATUS_END)
		return fail(EXIT_UNREADABLE, "'%s' was never judged; 'avouch judge' does that",
			    argv[optind]);
	return write_form(&judgement, form);
}

const struct command report_command = {
	.name = "report",
	.summary = "print the latest judgement of a case",
	.usage = "Usage: avouch report [--text|--json|--html] CASE\n"
		 "Prints the latest judgement of a case (default: --text).\n",
	.run = run,
};
