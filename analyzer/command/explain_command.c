/* SPDX-License-Identifier: Apache-2.0 */
#include <getopt.h>
#include <inttypes.h>

#include "analyzer/command/citation.h"
#include "analyzer/command/command.h"
#include "analyzer/command/explanation.h"

static const char *or_unknown(const json_t *object, const char *member)
{
	const char *text = citation_text(object, member);

	return *text ? text : "unknown";
}

static void tell_list(const json_t *array, const char *before)
{
	for (size_t i = 0; i < json_array_size(array); i++) {
		const char *text = json_string_value(json_array_get(array, i));

		fputs(before, stdout);
		citation_print(stdout, text ? text : "");
		putchar('\n');
	}
}

static void tell_witness(const json_t *document, const char *id)
{
	const json_t *witness = citation_find(document, "witnesses", id);
	struct cited_range ranges[CITED_RANGES];
	const char *names[CITED_RANGES];
	const size_t n = citation_ranges(document, witness, ranges, names);

	printf("      %s %s (%s, %s): ", id, report_assertion_words(citation_text(witness, "assertion")),
	       citation_text(witness, "family"), citation_text(witness, "source"));
	citation_print(stdout, citation_text(witness, "text"));
	printf("\n        not before %s, not after %s\n",
	       or_unknown(witness, "not_before"), or_unknown(witness, "not_after"));
	if (n == 0 || strcmp(names[0], "witness") != 0)
		puts("        bytes: none of its own");
	for (size_t i = 0; i < n; i++) {
		printf("        bytes of the %s: ", names[i]);
		citation_print(stdout, ranges[i].file);
		printf(", %" PRIu64 " at %" PRIu64 ", sha256 %s\n", ranges[i].size,
		       ranges[i].offset, ranges[i].sha256);
	}
}

static void tell_bound(const json_t *bound, const char *name)
{
	if (json_is_object(bound))
		printf("    %s: not before %s, not after %s\n", name,
		       or_unknown(bound, "not_before"), or_unknown(bound, "not_after"));
}

static void tell_episodes(const json_t *document, const char *product, const char *system)
{
	const json_t *products = json_object_get(document, "products");

	for (size_t i = 0; i < json_array_size(products); i++) {
		const json_t *one = json_array_get(products, i);
		const json_t *episodes = json_object_get(one, "episodes");

		if (strcmp(citation_text(one, "id"), product) != 0 ||
		    strcmp(citation_text(one, "system"), system) != 0)
			continue;
		for (size_t k = 0; k < json_array_size(episodes); k++) {
			const json_t *episode = json_array_get(episodes, k);

			printf("    stay %zu of %zu, version %s\n", k + 1,
			       json_array_size(episodes), or_unknown(episode, "version"));
			tell_bound(json_object_get(episode, "installed"), "  installed");
			tell_bound(json_object_get(episode, "removed"), "  removed");
		}
		printf("    when the evidence was acquired: %s\n", report_state_words(one));
	}
}

static void explain(const json_t *document, const json_t *verdict)
{
	const json_t *products = json_object_get(verdict, "products");
	const json_t *ids = json_object_get(verdict, "witnesses");

	printf("%s under %s.%s: %s%s\n  duty %s, limit %s%s\n", citation_text(verdict, "system"),
	       citation_text(verdict, "mandate"), citation_text(verdict, "milestone"),
	       citation_text(verdict, "outcome"),
	       json_is_true(json_object_get(verdict, "qualified")) ? " (qualified)" : "",
	       citation_text(verdict, "duty"), or_unknown(verdict, "deadline"),
	       json_is_true(json_object_get(verdict, "conditional")) ? ", if this act applies"
								     : "");
	puts("  because:");
	tell_list(json_object_get(verdict, "reasons"), "    ");
	for (size_t i = 0; i < json_array_size(products); i++) {
		const json_t *one = json_array_get(products, i);

		printf("  %s: %s\n", citation_text(one, "product"), citation_text(one, "outcome"));
		tell_episodes(document, citation_text(one, "product"),
			      citation_text(verdict, "system"));
	}
	puts("  witnesses:");
	for (size_t i = 0; i < json_array_size(ids); i++) {
		const char *id = json_string_value(json_array_get(ids, i));

		if (id)
			tell_witness(document, id);
	}
	puts("  weakest link:");
	tell_list(json_object_get(verdict, "qualifications"), "    ");
	explain_weakest(stdout, document, verdict);
	if (json_is_string(json_object_get(verdict, "deadline")))
		puts("  families:");
	explain_families(stdout, document, verdict);
	puts("  what would change it:");
	explain_change(stdout, document, verdict);
	putchar('\n');
}

/* "MANDATE" or "MANDATE.MILESTONE" names a verdict. */
static bool is_named(const json_t *verdict, const char *name)
{
	const char *mandate = citation_text(verdict, "mandate");
	const size_t size = strlen(mandate);

	if (strncmp(name, mandate, size) != 0)
		return false;
	return name[size] == '\0' ||
	       (name[size] == '.' &&
		strcmp(name + size + 1, citation_text(verdict, "milestone")) == 0);
}

static int explain_all(const json_t *document, const char *name)
{
	const json_t *verdicts = json_object_get(document, "verdicts");
	size_t told = 0;

	for (size_t i = 0; i < json_array_size(verdicts); i++) {
		const json_t *verdict = json_array_get(verdicts, i);

		if (name && !is_named(verdict, name))
			continue;
		explain(document, verdict);
		told++;
	}
	if (told == 0 && name)
		return fail(EXIT_USAGE, "the latest judgement has no verdict under '%s'", name);
	if (told == 0)
		puts("The latest judgement has no verdict.");
	return 0;
}

static int run(int argc, char **argv)
{
	static const struct option longs[] = { { "help", no_argument, NULL, 'h' },
					       { NULL, 0, NULL, 0 } };
	int status;

	for (int o; (o = getopt_long(argc, argv, "h", longs, NULL)) != -1;) {
		if (o != 'h')
			return usage_error("explain", "option not understood");
		fputs(explain_command.usage, stdout);
		return 0;
	}
	if (argc - optind < 1 || argc - optind > 2)
		return usage_error("explain", "a case and at most one verdict must be named");

	json_t *document = citation_document(argv[optind], &status);

	if (document)
		status = explain_all(document, argc - optind == 2 ? argv[optind + 1] : NULL);
	json_decref(document);
	return status;
}

const struct command explain_command = {
	.name = "explain",
	.summary = "from each verdict down to bytes, and its weakest link",
	.usage =
		"Usage: avouch explain CASE [MANDATE[.MILESTONE]]\n"
		"For each verdict of the latest judgement: the outcome, its bounds, the witnesses\n"
		"and their bytes, the weakest link, which families of records agree, and what\n"
		"would change the verdict. Every time and witness in it stands in the report.\n",
	.run = run,
};
