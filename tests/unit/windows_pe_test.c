/* SPDX-License-Identifier: Apache-2.0 */
/* Version resources and signers of programs: real files compared with pefile, and damaged ones. */
#include "file_support.h"

#include <glob.h>

extern const struct parser pe_version_parser;

struct seen {
	size_t n, n_notes;
	char strings[2048]; /* product, version, company, file version, one per line */
	char signer[256];
};

static void see(struct heard *heard, const struct trace *trace)
{
	static const char *const fields[] = { "product", "version", "company", "file_version" };
	struct seen *seen = heard->payload;
	const struct text signer = trace_text(trace, "signer");
	size_t used = 0;

	for (size_t i = 0; i < 4; i++) {
		const struct text text = trace_text(trace, fields[i]);

		used += (size_t)snprintf(seen->strings + used, sizeof(seen->strings) - used,
					 "%.*s\n", (int)text.size, text.data ? text.data : "");
		assert_true(used < sizeof(seen->strings));
	}
	(void)snprintf(seen->signer, sizeof(seen->signer), "%.*s", (int)signer.size,
		       signer.data ? signer.data : "");
	assert_string_equal(trace_text(trace, "path").data, "/Program Files/x/x.exe");
	assert_true(trace->origin.size > 0);
	seen->n++;
}

static enum status parse(struct span bytes, struct seen *seen)
{
	struct heard heard;

	*seen = (struct seen){ 0 };

	const enum status status =
		hear_file(&pe_version_parser, "/Program Files/x/x.exe", bytes, see, seen, &heard);

	seen->n_notes = heard.n_notes;
	assert_int_equal(heard.n_lost, 0);
	return status;
}

/* What the command writes when the file's name stands between its two parts. */
static struct span output_of(const char *before, const char *path, const char *after)
{
	char command[1024];

	assert_true(snprintf(command, sizeof(command), "%s '%s' %s", before, path, after) <
		    (int)sizeof(command));
	return bytes_of_command(command);
}

enum { MAX_PROGRAMS = 64 };

static char programs[MAX_PROGRAMS][512];
static size_t n_programs;

/* Programs on this machine and in the corpus that nobody here built. */
static int find_programs(void **state)
{
	const char *corpus = getenv("AVOUCH_CORPUS");
	char pattern[1024];
	glob_t found = { 0 };

	(void)state;
	(void)snprintf(pattern, sizeof(pattern), "%s/pe/*", corpus ? corpus : "../shared/corpus");
	(void)glob("/usr/lib/mono/4.5/*.dll", 0, NULL, &found);
	(void)glob(pattern, GLOB_APPEND, NULL, &found);
	for (n_programs = 0; n_programs < found.gl_pathc && n_programs < MAX_PROGRAMS; n_programs++)
		(void)snprintf(programs[n_programs], sizeof(programs[0]), "%s",
			       found.gl_pathv[n_programs]);
	globfree(&found);
	return 0;
}

static void need_a_program(void)
{
	if (n_programs == 0) {
		print_message("no programs to read (scripts/setup brings some): skipped\n");
		skip();
	}
}

static void strings_equal_those_of_pefile(void **state)
{
	(void)state;
	need_a_program();
	for (size_t i = 0; i < n_programs; i++) {
		const char *path = programs[i];
		const struct span strings = output_of(
			"/usr/bin/python3 " AVOUCH_UNIT_TESTS "/pe_strings.py", path, "");
		const struct span bytes = output_of("cat", path, "");
		struct seen seen;

		assert_int_equal(parse(bytes, &seen), STATUS_OK);
		if (seen.n == 0)
			(void)snprintf(seen.strings, sizeof(seen.strings), "\n\n\n\n");
		if (strlen(seen.strings) != strings.size ||
		    memcmp(seen.strings, strings.data, strings.size) != 0)
			fail_msg("%s: '%s' is not '%.*s'", path, seen.strings, (int)strings.size,
				 (const char *)strings.data);
		assert_int_equal(seen.n_notes, 0);
		span_free(strings);
		span_free(bytes);
	}
}

/* The signers that osslsigncode names in the programs of the corpus; the others name none. */
static void signers_equal_those_of_osslsigncode(void **state)
{
	(void)state;
	need_a_program();
	for (size_t i = 0; i < n_programs; i++) {
		const struct span said = output_of(
			"osslsigncode verify -in", programs[i],
			"2>&1 | grep -m1 -A1 -e 'Signer #0' -e 'No signature found'");
		const struct span bytes = output_of("cat", programs[i], "");
		const bool is_signed = memmem(said.data, said.size, "Subject", 7) != NULL;
		struct seen seen;
		char name[300];

		assert_int_equal(parse(bytes, &seen), STATUS_OK);
		(void)snprintf(name, sizeof(name), "CN=%s\n", seen.signer);
		assert_int_equal(is_signed, seen.signer[0] != 0);
		if (is_signed)
			assert_non_null(memmem(said.data, said.size, name, strlen(name)));
		span_free(bytes);
		span_free(said);
	}
}

/* Signed by openssl and osslsigncode under a name that only the certificate holds. */
static void the_signer_named_is_read(void **state)
{
	struct seen seen;

	(void)state;
	need_a_program();

	const struct span bytes = output_of(
		"d=$(mktemp -d) && cd $d && (openssl req -x509 -newkey rsa:2048 -nodes -days 9 "
		"-keyout key -out certificate -subj '/O=Example Org/CN=Example Signer AO' && "
		"osslsigncode sign -certs certificate -key key -in",
		programs[0], "-out signed) >/dev/null 2>&1 && cat signed; rm -r $d");

	assert_int_equal(parse(bytes, &seen), STATUS_OK);
	assert_int_equal(seen.n, 1);
	assert_string_equal(seen.signer, "Example Signer AO");
	span_free(bytes);
}

/* Files cut anywhere and files with bytes that lie: no crash, nothing called lost. */
static void damaged_programs_cost_nothing_else(void **state)
{
	uint64_t random = 1;
	struct seen seen;

	(void)state;
	need_a_program();

	const struct span bytes = output_of("cat", programs[0], "");
	uint8_t *copy = malloc(bytes.size);

	assert_non_null(copy);
	for (size_t round = 0; round < 20000; round++) {
		memcpy(copy, bytes.data, bytes.size);
		for (size_t i = 0; i < 1 + round % 4; i++)
			copy[next_random(&random) % (round % 2 ? 1024 : bytes.size)] =
				(uint8_t)next_random(&random);
		assert_int_equal(parse(span_of(copy, bytes.size - round % 5), &seen), STATUS_OK);
	}
	for (size_t size = 0; size < bytes.size; size += size < 2048 ? 1 : 97) {
		uint8_t *cut = malloc(size + 1); /* so that a read past the end is seen */

		assert_non_null(cut);
		memcpy(cut, bytes.data, size);
		assert_int_equal(parse(span_of(cut, size), &seen), STATUS_OK);
		free(cut);
	}
	free(copy);
	span_free(bytes);
}

/* What is called a program and is none (an emptied file, a stub) says nothing, in silence. */
static void files_that_are_no_programs_are_passed_over(void **state)
{
	uint8_t stub[4096] = "MZ";
	struct seen seen;

	(void)state;
	assert_int_equal(parse(span_of("", 0), &seen), STATUS_OK);
	assert_int_equal(parse(span_of(stub, sizeof(stub)), &seen), STATUS_OK);
	stub[0] = 0;
	assert_int_equal(parse(span_of(stub, sizeof(stub)), &seen), STATUS_OK);
	assert_int_equal(seen.n + seen.n_notes, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(strings_equal_those_of_pefile),
		cmocka_unit_test(signers_equal_those_of_osslsigncode),
		cmocka_unit_test(the_signer_named_is_read),
		cmocka_unit_test(damaged_programs_cost_nothing_else),
		cmocka_unit_test(files_that_are_no_programs_are_passed_over),
	};

	return cmocka_run_group_tests(tests, find_programs, NULL);
}
