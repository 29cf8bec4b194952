/* SPDX-License-Identifier: Apache-2.0 */
#include <getopt.h>
#include <inttypes.h>

#include "analyzer/command/citation.h"
#include "analyzer/command/command.h"
#include "analyzer/command/secrets.h"

struct checking {
	struct cited_range *ranges;
	const json_t **witnesses; /* whose ranges they are */
	const char **names;       /* what of them */
	size_t n, without_bytes;
};

static void checking_free(struct checking *checking)
{
	free(checking->ranges);
	free(checking->witnesses);
	free(checking->names);
}

static bool gather(const json_t *document, struct checking *ret)
{
	const json_t *all = json_object_get(document, "witnesses");
	const size_t n = json_array_size(all);

	ret->ranges = calloc((n + 1) * CITED_RANGES, sizeof(*ret->ranges));
	ret->witnesses = calloc((n + 1) * CITED_RANGES, sizeof(*ret->witnesses));
	ret->names = calloc((n + 1) * CITED_RANGES, sizeof(*ret->names));
	if (!ret->ranges || !ret->witnesses || !ret->names)
		return false;
	for (size_t i = 0; i < n; i++) {
		const json_t *witness = json_array_get(all, i);
		const size_t found = citation_ranges(document, witness, &ret->ranges[ret->n],
						     &ret->names[ret->n]);

		for (size_t k = 0; k < found; k++)
			ret->witnesses[ret->n++] = witness;
		ret->without_bytes += found == 0;
	}
	return true;
}

static void tell_one(const struct cited_range *range, const json_t *witness, const char *name)
{
	const bool own = strcmp(name, "witness") == 0;

	printf("%s%s%s %s: ", citation_text(witness, "id"), own ? "" : " ", own ? "" : name,
	       range->result == CITED_DIFFERS ? "differs" : "unreadable");
	citation_print(stdout, range->file);
	printf(" entry %" PRIu64 ", %" PRIu64 " bytes at %" PRIu64 "\n", range->entry, range->size,
	       range->offset);
	if (range->result == CITED_DIFFERS)
		printf("  cited %s\n  found %s\n", range->sha256, range->found);
}

static int tell(const struct checking *checking)
{
	size_t counts[3] = { 0 };

	for (size_t i = 0; i < checking->n; i++) {
		counts[checking->ranges[i].result]++;
		if (checking->ranges[i].result != CITED_MATCHES)
			tell_one(&checking->ranges[i], checking->witnesses[i],
				 checking->names[i]);
	}
	printf("%zu matching, %zu differing, %zu without bytes, %zu unreadable\n",
	       counts[CITED_MATCHES], counts[CITED_DIFFERS], checking->without_bytes,
	       counts[CITED_UNREADABLE]);
	return counts[CITED_DIFFERS] ? 1 : counts[CITED_UNREADABLE] ? EXIT_UNREADABLE : 0;
}

static int verify(const json_t *document, struct secret_list secrets, char **arguments, size_t n)
{
	struct collect_evidence evidence[EVIDENCE_MAX];
	CLEANUP(checking_free) struct checking checking = { .n = 0 };
	const size_t images = evidence_group(arguments, n, evidence, EVIDENCE_MAX);
	const size_t known = json_array_size(json_object_get(document, "evidence"));
	struct failure why = FAILURE_NONE;

	if (images != known)
		return usage_error("verify", "the case is of %zu image(s), %zu named", known,
				   images);
	if (!gather(document, &checking))
		return fail(EXIT_FAULT, "no memory");
	if (cited_read(evidence, images, secrets, checking.ranges, checking.n, &why) < 0)
		return fail(EXIT_FAULT, "%s", why.text);
	return tell(&checking);
}

static int run(int argc, char **argv)
{
	static const struct option longs[] = { SECRET_LONG_OPTIONS,
					       { "help", no_argument, NULL, 'h' },
					       { NULL, 0, NULL, 0 } };
	struct given_secrets secrets = { .n = 0 };
	int status;

	secrets_from_environment(&secrets);
	for (int o; (o = getopt_long(argc, argv, "h", longs, NULL)) != -1;) {
		if (o == 'h') {
			fputs(verify_command.usage, stdout);
			return 0;
		}
		if (!secret_option(&secrets, o, optarg))
			return usage_error("verify", "option not understood");
	}
	if (argc - optind < 2)
		return usage_error("verify", "a case and its evidence must be named");

	json_t *document = citation_document(argv[optind], &status);

	if (document)
		status = verify(document, secrets_given(&secrets), argv + optind + 1,
				(size_t)(argc - optind - 1));
	json_decref(document);
	return status;
}

const struct command verify_command = {
	.name = "verify",
	.summary = "read every cited byte again and compare",
	.usage = "Usage: avouch verify [options] CASE EVIDENCE...\n"
		 "Reads each byte range that a witness of the latest judgement cites from the\n"
		 "evidence again and compares its SHA-256. The evidence is named in the order in\n"
		 "which it was analyzed. Exit status: 0 all match, 1 a difference, 65 something\n"
		 "cannot be read.\n\n"
		 SECRET_HELP,
	.run = run,
};
