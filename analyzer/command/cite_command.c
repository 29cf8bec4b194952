/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <getopt.h>
#include <inttypes.h>

#include "analyzer/collect/view.h"
#include "analyzer/command/citation.h"
#include "analyzer/command/command.h"
#include "analyzer/command/secrets.h"

enum { SECTOR = 512, LINE = 16 };

static void tell_member(const json_t *object, const char *member, const char *label)
{
	const json_t *value = json_object_get(object, member);

	if (json_is_integer(value)) {
		printf("  %-14s %" JSON_INTEGER_FORMAT "\n", label, json_integer_value(value));
	} else if (json_is_string(value)) {
		printf("  %-14s ", label);
		citation_print(stdout, json_string_value(value));
		putchar('\n');
	}
}

/* Members of a JSON object, and how they are headed. */
struct member {
	const char *name, *label;
};

static void tell_members(const json_t *object, const struct member *members)
{
	for (; members->name; members++)
		tell_member(object, members->name, members->label);
}

static const struct member witness_members[] = {
	{ "text", "says" },           { "product", "product" }, { "not_before", "not before" },
	{ "not_after", "not after" }, { "family", "family" },   { "source", "source" },
	{ "qualified", "qualified" }, { NULL, NULL },
};

static const struct member volume_members[] = {
	{ "evidence", "evidence" },
	{ "volume_offset", "volume offset" },
	{ "snapshot", "snapshot" },
	{ NULL, NULL },
};

/* The place that a range is of. */
static const struct member place_members[] = {
	{ "file", "file" },       { "entry", "entry" },       { "sequence", "sequence" },
	{ "attribute", "attribute" }, { "offset", "offset" }, { "size", "size" },
	{ "address", "address" }, { "recovery", "recovery" }, { "sha256", "sha256" },
	{ NULL, NULL },
};

static void tell_witness(const json_t *witness)
{
	const json_t *locator = json_object_get(witness, "locator");
	const json_t *container = json_object_get(locator, "container");

	printf("%s\n  %-14s %s\n", citation_text(witness, "id"), "asserts",
	       report_assertion_words(citation_text(witness, "assertion")));
	tell_members(witness, witness_members);
	puts("locator");
	tell_members(locator, volume_members);
	tell_members(locator, place_members);
	if (json_is_object(container)) {
		puts("container, whose own time is \"not after\"");
		tell_members(container, place_members);
	}
}

/* One word for a shell: in single quotes, a quote inside as '\''. */
static void tell_quoted(const char *text)
{
	putchar('\'');
	for (; *text; text++) {
		if (*text == '\'')
			fputs("'\\''", stdout);
		else
			putchar((unsigned char)*text < 32 ? '?' : *text);
	}
	putchar('\'');
}

static bool ends_with(const char *text, const char *end)
{
	const size_t n = strlen(text), m = strlen(end);

	return n >= m && strcmp(text + n - m, end) == 0;
}

/* The image that the commands read, and where in it the volume begins. */
struct shown_image {
	const char *path;
	uint64_t sector;
};

static void tell_image(const char *tool, struct shown_image image)
{
	printf("%s -o %" PRIu64 " ", tool, image.sector);
	tell_quoted(image.path);
}

static void tell_icat(const struct cited_range *range, struct shown_image image)
{
	tell_image("  icat", image);
	printf(" %" PRIu64 "%s%s", range->entry, *range->attribute ? "-" : "", range->attribute);
}

/* Free clusters as blkls writes them, one behind the other. */
static bool is_unallocated(const struct cited_range *range)
{
	return ends_with(range->file, ":" VIEW_UNALLOCATED);
}

static void tell_content(const struct cited_range *range, struct shown_image image)
{
	if (is_unallocated(range))
		tell_image("  blkls", image);
	else
		tell_icat(range, image);
}

/* Another view of the whole file, by the tool for its format. */
static void tell_format_tool(const struct cited_range *range, struct shown_image image,
			     const char *source)
{
	const char *tool = ends_with(range->file, ".evtx")		? "evtxexport" :
			   ends_with(range->file, ".pf")		? "sccainfo" :
			   strncmp(source, "windows.registry.", 17) == 0 ? "regfexport" :
									  NULL;

	if (!tool)
		return;
	tell_icat(range, image);
	printf(" > cited-file && %s cited-file\n", tool);
}

/* What stands above the image and must be opened first by hand. */
static struct shown_image tell_way(const json_t *evidence, const json_t *witness,
				   const struct cited_range *range)
{
	const json_t *locator = json_object_get(witness, "locator");
	struct shown_image image = { citation_text(evidence, "path"),
				     range->volume_offset / SECTOR };

	if (strcmp(citation_text(evidence, "format"), "ewf") == 0) {
		fputs("  ewfinfo ", stdout);
		tell_quoted(image.path);
		putchar('\n');
	}
	if (range->logical) {
		printf("  (logical volume %u of a volume group: vslvmmount gives it as a file)\n",
		       range->logical);
		image = (struct shown_image){ "LOGICAL-VOLUME", 0 };
	}
	if (instant_is_set(range->snapshot)) {
		printf("  (in the shadow copy made at %s: vshadowinfo numbers it, vshadowmount "
		       "gives it as a file)\n", citation_text(locator, "snapshot"));
		image = (struct shown_image){ "SHADOW-COPY", 0 };
	}
	return image;
}

static void tell_commands(const json_t *document, const json_t *witness,
			  const struct cited_range *range, const char *name)
{
	const json_t *evidence = json_array_get(json_object_get(document, "evidence"),
						range->evidence);

	printf("the same bytes by public tools (%s)\n", name);

	const struct shown_image image = tell_way(evidence, witness, range);

	tell_image("  istat", image);
	printf(" %" PRIu64 "\n", range->entry);
	if (strchr(range->file, ':') && !*range->attribute && !is_unallocated(range))
		puts("  (istat names the attribute TYPE-ID of the stream; add it to ENTRY below)");
	for (int pass = 0; pass < 2; pass++) {
		tell_content(range, image);
		printf(" | tail -c +%" PRIu64 " | head -c %" PRIu64 " | %s\n", range->offset + 1,
		       range->size < LIMIT_LOCATOR_BYTES ? range->size : LIMIT_LOCATOR_BYTES,
		       pass ? "sha256sum" : "xxd");
	}
	tell_format_tool(range, image, citation_text(witness, "source"));
}

static void tell_line(const struct cited_range *range, size_t at)
{
	printf("  %08" PRIx64 ": ", range->offset + at);
	for (size_t i = at; i < at + LINE; i++) {
		if (i < range->sample_size)
			printf("%02x ", range->sample[i]);
		else
			fputs("   ", stdout);
	}
	for (size_t i = at; i < at + LINE && i < range->sample_size; i++)
		putchar(range->sample[i] >= 32 && range->sample[i] < 127 ? range->sample[i] : '.');
	putchar('\n');
}

static int tell_bytes(struct cited_range *range, const char *name, struct secret_list secrets,
		      const char *image)
{
	const struct collect_evidence evidence = { &image, 1 };
	struct failure why = FAILURE_NONE;

	range->evidence = 0;
	if (cited_read(&evidence, 1, secrets, range, 1, &why) < 0)
		return fail(EXIT_FAULT, "%s", why.text);
	if (range->result == CITED_UNREADABLE)
		return fail(EXIT_UNREADABLE, "the bytes cannot be read");
	printf("bytes of the %s (%s)\n", name,
	       range->result == CITED_MATCHES ? "their SHA-256 is the cited one" :
						"THEY DIFFER from the cited SHA-256");
	for (size_t at = 0; at < range->sample_size; at += LINE)
		tell_line(range, at);
	if (range->size > range->sample_size)
		printf("  ... %" PRIu64 " more bytes\n", range->size - range->sample_size);
	return range->result == CITED_MATCHES ? 0 : 1;
}

static int cite(const json_t *document, const char *id, struct secret_list secrets, const char *image)
{
	const json_t *witness = citation_find(document, "witnesses", id);
	struct cited_range ranges[CITED_RANGES];
	const char *names[CITED_RANGES];
	int status = 0;

	if (!witness)
		return fail(EXIT_USAGE, "no witness '%s' in the latest judgement", id);
	tell_witness(witness);

	const size_t n = citation_ranges(document, witness, ranges, names);

	if (n == 0 || strcmp(names[0], "witness") != 0)
		puts("It cites no bytes of its own.");
	for (size_t i = 0; i < n; i++)
		tell_commands(document, witness, &ranges[i], names[i]);
	for (size_t i = 0; image && i < n; i++) {
		const int one = tell_bytes(&ranges[i], names[i], secrets, image);

		if (one != 0 && status != 1) /* a difference outweighs what cannot be read */
			status = one;
	}
	return status;
}

static int run(int argc, char **argv)
{
	static const struct option longs[] = { { "evidence", required_argument, NULL, 'e' },
					       SECRET_LONG_OPTIONS,
					       { "help", no_argument, NULL, 'h' },
					       { NULL, 0, NULL, 0 } };
	struct given_secrets secrets = { .n = 0 };
	const char *image = NULL;
	int status;

	secrets_from_environment(&secrets);
	for (int o; (o = getopt_long(argc, argv, "h", longs, NULL)) != -1;) {
		if (o == 'h') {
			fputs(cite_command.usage, stdout);
			return 0;
		}
		if (o == 'e')
			image = optarg;
		else if (!secret_option(&secrets, o, optarg))
			return usage_error("cite", "option not understood");
	}
	if (argc - optind != 2)
		return usage_error("cite", "a case and a witness must be named");

	json_t *document = citation_document(argv[optind], &status);

	if (document)
		status = cite(document, argv[optind + 1], secrets_given(&secrets), image);
	json_decref(document);
	return status;
}

const struct command cite_command = {
	.name = "cite",
	.summary = "the bytes behind a witness, and public tools that show them",
	.usage = "Usage: avouch cite [--evidence IMAGE] [options] CASE WITNESS\n"
		 "Prints a witness of the latest judgement, where it stands down to bytes, and\n"
		 "commands of public tools that show the same bytes. With --evidence (the first\n"
		 "segment of the image that the witness stands in) the bytes are read and dumped;\n"
		 "exit status 1 when they differ from what was cited, 65 when unreadable.\n\n"
		 SECRET_HELP,
	.run = run,
};
