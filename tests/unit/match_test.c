/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The shipped signatures and the matcher. Names in the tests are those of public documentation or
 * of registry exports (docs of the signatures name them).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "analyzer/match/matcher.h"
#include "analyzer/match/pattern.h"

#ifndef AVOUCH_SIGNATURES
#define AVOUCH_SIGNATURES "signatures"
#endif

struct world {
	struct signature_set *set;
	struct matcher *matcher;
	struct arena *arena;
};

static int open_world(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	struct failure why = FAILURE_NONE;

	w->arena = arena_new((size_t)64 << 20);
	if (signature_set_load(AVOUCH_SIGNATURES, &w->set, &why) < 0 ||
	    matcher_new(w->set, &w->matcher, &why) < 0) {
		print_error("%s\n", why.text);
		return -1;
	}
	*state = w;
	return 0;
}

static int close_world(void **state)
{
	struct world *w = *state;

	matcher_free(w->matcher);
	signature_set_free(w->set);
	arena_free(w->arena);
	free(w);
	return 0;
}

/* Whether the values match product/component. */
static bool hits(struct world *w, const char *product, const char *component,
		 const struct aspect_value *values, size_t n)
{
	struct failure why = FAILURE_NONE;
	const struct match_hit *found;
	size_t n_found;
	bool hit = false;

	if (matcher_match(w->matcher, values, n, w->arena, &found, &n_found, &why) < 0)
		fail_msg("%s", why.text);
	for (size_t i = 0; i < n_found; i++) {
		const struct product *p = &w->set->products[found[i].product];

		hit |= strcmp(p->id, product) == 0 &&
		       (!component || strcmp(p->components[found[i].component].id, component) == 0);
	}
	return hit;
}

/* Products other than fallbacks that some unshared match identifies. */
static size_t n_identified(struct world *w, const struct aspect_value *values, size_t n)
{
	struct failure why = FAILURE_NONE;
	const struct match_hit *found;
	size_t n_found, count = 0, last = SIGNATURE_NONE;

	assert_int_equal(matcher_match(w->matcher, values, n, w->arena, &found, &n_found, &why),
			 STATUS_OK);
	for (size_t i = 0; i < n_found; i++) {
		const struct product *p = &w->set->products[found[i].product];

		if (p->fallback || p->components[found[i].component].shared ||
		    found[i].product == last)
			continue;
		last = found[i].product;
		count++;
	}
	return count;
}

#define V(aspect, literal)                                                                         \
	{                                                                                          \
		ASPECT_##aspect,                                                                   \
		{                                                                                  \
			literal, sizeof(literal) - 1                                               \
		}                                                                                  \
	}
#define HITS(product, component, ...)                                                              \
	hits(w, product, component, (const struct aspect_value[]){ __VA_ARGS__ },                  \
	     sizeof((const struct aspect_value[]){ __VA_ARGS__ }) / sizeof(struct aspect_value))
#define IDENTIFIED(...)                                                                            \
	n_identified(w, (const struct aspect_value[]){ __VA_ARGS__ },                              \
		     sizeof((const struct aspect_value[]){ __VA_ARGS__ }) /                        \
			     sizeof(struct aspect_value))

static void program_names_tell_generations_of_one_family(void **state)
{
	struct world *w = *state;

	assert_true(HITS("kaspersky-consumer", "program-name",
			 V(PROGRAM, "Kaspersky Internet Security")));
	assert_true(HITS("kaspersky-consumer", "program-name",
			 V(PROGRAM, "Kaspersky Anti-Virus 2013")));
	assert_true(HITS("kaspersky-consumer", "program-name",
			 V(PROGRAM, "KASPERSKY TOTAL SECURITY 21.3")));
	assert_true(HITS("kaspersky-consumer", NULL, V(PROGRAM, "АНТИВИРУС КАСПЕРСКОГО 2012")));
	assert_true(HITS("kaspersky-endpoint-security", "program-name",
			 V(PROGRAM, "Kaspersky Endpoint Security 10 for Windows")));
	assert_true(HITS("kaspersky-network-agent", "program-name",
			 V(PROGRAM, "Kaspersky Security Center Network Agent")));
	assert_true(HITS("kaspersky-server-security", "program-name",
			 V(PROGRAM, "Kaspersky Security 10.1 for Windows Server")));
	assert_false(HITS("kaspersky-consumer", NULL,
			  V(PROGRAM, "Kaspersky Anti-Virus 6.0 for Windows Workstations MP4")));
}

static void a_management_plug_in_is_not_the_product_it_manages(void **state)
{
	struct world *w = *state;

	assert_false(
		HITS("kaspersky-endpoint-security", NULL,
		     V(PROGRAM, "Kaspersky Endpoint Security for Windows Management Plug-in")));
}

static void documents_downloads_and_other_programs_identify_nothing(void **state)
{
	struct world *w = *state;

	assert_int_equal(IDENTIFIED(V(PATH, "/Users/x/Documents/Kaspersky Internet Security.pdf")),
			 0);
	assert_int_equal(IDENTIFIED(V(PROGRAM, "Microsoft Office Professional Plus 2016")), 0);
	assert_int_equal(IDENTIFIED(V(PROGRAM, "How to remove Kaspersky Internet Security")), 0);
	assert_int_equal(IDENTIFIED(V(PATH, "C:\\Windows\\System32\\drivers\\ntfs.sys")), 0);
	/* A setup program in Downloads is an installer and nothing else. */
	assert_true(HITS("kaspersky-consumer", "installer",
			 V(PATH, "/Users/x/Downloads/kis18.0.0.405en_12155.exe")));
	assert_false(HITS("kaspersky-consumer", "protection-program",
			  V(PATH, "/Users/x/Downloads/kis18.0.0.405en_12155.exe")));
}

/* Recorders write a task's path from the root of the scheduler's folders, signatures do not. */
static void tasks_are_matched_from_the_root(void **state)
{
	struct world *w = *state;

	assert_true(HITS("kaspersky-consumer", NULL,
			 V(TASK, "\\Kaspersky_Upgrade_Launcher_{6F5E}")));
	assert_true(HITS("avast-antivirus", NULL, V(TASK, "\\Avast Software\\Overseer")));
	assert_true(HITS("avast-antivirus", NULL, V(TASK, "Avast Emergency Update")));
	assert_false(HITS("avast-antivirus", NULL, V(TASK, "\\Other\\Avast Emergency Update")));
}

static void a_service_name_that_generations_share_needs_its_folder(void **state)
{
	struct world *w = *state;

	assert_int_equal(IDENTIFIED(V(SERVICE, "AVP")), 0);
	assert_true(HITS("kaspersky-endpoint-security", "protection-service", V(SERVICE, "AVP"),
			 V(PATH, "\"C:\\Program Files (x86)\\Kaspersky Lab\\Kaspersky Endpoint "
				 "Security 10 for Windows SP1\\avp.exe\" -r")));
	assert_true(HITS("kaspersky-small-office-security", "protection-service",
			 V(SERVICE, "AVP17.0.0"),
			 V(PATH, "\"C:\\Program Files (x86)\\Kaspersky Lab\\Kaspersky Small Office "
				 "Security 17.0.0\\avp.exe\" -r")));
	assert_false(
		HITS("kaspersky-consumer", "protection-service", V(SERVICE, "AVP17.0.0"),
		     V(PATH, "\"C:\\Program Files (x86)\\Kaspersky Lab\\Kaspersky Small Office "
			     "Security 17.0.0\\avp.exe\" -r")));
	assert_true(HITS("kaspersky-consumer", "protection-service", V(SERVICE, "AVP17.0.0")));
}

static void a_shared_driver_supports_what_is_identified_and_nothing_else(void **state)
{
	struct world *w = *state;
	CLEANUP(free_p) bool *identified = calloc(w->set->n_products, sizeof(*identified));
	const size_t kes = signature_find_product(w->set, "kaspersky-endpoint-security");
	const size_t home = signature_find_product(w->set, "kaspersky-consumer");
	const size_t parts = signature_find_product(w->set, "kaspersky-components");
	size_t drivers = 0;

	while (strcmp(w->set->products[kes].components[drivers].id, "drivers") != 0)
		drivers++;
	assert_int_equal(IDENTIFIED(V(SERVICE, "klif")), 0);
	assert_true(signature_hit_counts(w->set, parts, 0, identified));
	assert_false(signature_hit_counts(w->set, kes, drivers, identified));
	identified[kes] = true;
	assert_true(signature_hit_counts(w->set, kes, drivers, identified));
	assert_false(signature_hit_counts(w->set, parts, 0, identified));
	assert_true(signature_hit_counts(w->set, home, 0, identified)); /* not shared */
}

static void spellings_of_one_path_are_one_path(void **state)
{
	struct world *w = *state;
	static const char *const spellings[] = {
		"C:\\Windows\\System32\\drivers\\klif.sys",
		"\\SystemRoot\\System32\\drivers\\klif.sys",
		"System32\\drivers\\klif.sys",
		"%SystemRoot%\\system32\\DRIVERS\\klif.sys",
		"\\?"
		"?\\C:\\Windows\\System32\\drivers\\klif.sys",
		"\\Device\\HarddiskVolume3\\Windows\\System32\\drivers\\klif.sys",
		"\\VOLUME{01d2ce00a1b2c3d4-5e6f7a8b}\\WINDOWS\\SYSTEM32\\DRIVERS\\KLIF.SYS",
		"/Windows/System32/drivers/klif.sys",
	};

	for (size_t i = 0; i < sizeof(spellings) / sizeof(spellings[0]); i++) {
		const struct text path = path_normalize(w->arena, text_of(spellings[i]));

		if (strncasecmp(path.data, "/Windows/System32/drivers/klif.sys", path.size) != 0 ||
		    path.size != 34)
			fail_msg("%s became %.*s", spellings[i], (int)path.size, path.data);
	}
	assert_int_equal(path_normalize(w->arena, TEXT("\\\\server\\share\\avp.exe")).size, 0);
	assert_int_equal(path_normalize(w->arena, TEXT("avp.exe")).size, 0);
}

static void what_an_upgrade_set_aside_has_the_path_it_had(void **state)
{
	struct world *w = *state;

	assert_true(matcher_wants_path(w->matcher,
				       TEXT("/Windows.old/Program Files/Kaspersky Lab/a.dat")));
	assert_true(matcher_wants_path(
		w->matcher, TEXT("/WINDOWS.OLD.000/Program Files/Kaspersky Lab/a.dat")));
	assert_true(matcher_wants_path(w->matcher,
				       TEXT("/Windows.old(1)/Program Files/Kaspersky Lab/a.dat")));
	assert_false(matcher_wants_path(w->matcher,
					TEXT("/Windows.older/Program Files/Kaspersky Lab/a.dat")));
}

static void wanted_keys_are_found_from_above(void **state)
{
	struct world *w = *state;
	struct fact_hit facts[4];

	assert_true(matcher_wants_key(w->matcher, TEXT("HKLM")));
	assert_true(
		matcher_wants_key(w->matcher, TEXT("HKLM/SOFTWARE/KasperskyLab/AVP18.0.0/Data")));
	assert_false(matcher_wants_key(w->matcher, TEXT("HKLM/SOFTWARE/Adobe")));
	assert_true(matcher_wants_path(
		w->matcher, TEXT("/ProgramData/Kaspersky Lab/KES10SP1/Report/report.db")));
	assert_false(matcher_wants_path(w->matcher, TEXT("/Windows/notepad.exe")));
	assert_true(matcher_wants_log(w->matcher, TEXT("Kaspersky Event Log"), TEXT("")));
	assert_false(matcher_wants_log(w->matcher, TEXT("Application"), TEXT("Winlogon")));
	assert_int_equal(matcher_facts(w->matcher,
				       TEXT("HKLM/SOFTWARE/KasperskyLab/AVP18.0.0/environment"),
				       TEXT("installdate"), facts, 4),
			 1);
	assert_int_equal(w->set->products[facts[0].product].facts[facts[0].fact].encoding,
			 ENCODING_UNIX);
}

static void patterns_fit_as_documented(void **state)
{
	static const struct {
		const char *glob, *text;
		bool fits;
	} cases[] = {
		{ "avp*", "avp", true },
		{ "avp?", "avp", false },
		{ "avp1[4-9].*", "avp18.0.0", true },
		{ "avp1[!4-9].*", "avp18.0.0", false },
		{ "a*b*c", "axxbyyc", true },
		{ "a*b*c", "axxbyy", false },
		{ "*", "", true },
		{ "[0-9(]*", "(x", true },
		{ "ж?з", "жяз", true },
	};
	uint64_t steps = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (glob_fits(text_of(cases[i].glob), text_of(cases[i].text), &steps) !=
		    cases[i].fits)
			fail_msg("%s on %s", cases[i].glob, cases[i].text);
}

static void malformed_patterns_are_refused(void **state)
{
	struct world *w = *state;
	static const char *const bad[] = { "",      "!",      "{a,b", "[a", "{nosuchtoken}/x",
					   "/a//b", "/a**b/c" };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct failure why = FAILURE_NONE;
		struct pattern_list list;

		assert_int_equal(pattern_expand(w->arena, ASPECT_PATH, bad[i], &list, &why),
				 ERR_FORMAT);
	}
}

static void write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

/* A set of n invented products of five patterns each, in a folder of its own. */
static void write_products(const char *folder, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		char path[200], text[2000];

		snprintf(path, sizeof(path), "%s/acme-%zu.yaml", folder, i);
		snprintf(
			text, sizeof(text),
			"schema: avouch.product/1\nid: acme-%zu\nvendor: acme\nvendor_name: Acme\n"
			"name: Acme %zu\nkind: protection\ndistribution: branded\n"
			"platforms: [windows]\nsources:\n  - { tag: X, cite: x }\ncomponents:\n"
			"  - id: all\n    role: protection\n    confidence: high\n    source: [X]\n"
			"    match:\n"
			"      - { program: \"Acme Shield %zu Suite*\" }\n"
			"      - { service: \"AcmeSvc%zu\" }\n"
			"      - { path: \"{pf}/Acme/Product %zu*/guard?.exe\" }\n"
			"      - { key: \"HKLM/SOFTWARE/Acme%zu/**\" }\n"
			"      - { provider: \"re:^acme provider %zu (alpha|beta)$\" }\n",
			i, i, i, i, i, i, i);
		write_file(path, text);
	}
}

static uint64_t steps_with(size_t n)
{
	char folder[] = "/tmp/avouch-match-XXXXXX", command[100];
	CLEANUP(signature_set_free_p) struct signature_set *set = NULL;
	CLEANUP(matcher_free_p) struct matcher *matcher = NULL;
	CLEANUP(arena_free_p) struct arena *arena = arena_new((size_t)64 << 20);
	struct failure why = FAILURE_NONE;
	const struct match_hit *found;
	size_t n_found, total = 0;
	static const struct aspect_value values[] = {
		V(PROGRAM, "Acme Shield 7 Suite 2020"),
		V(SERVICE, "AcmeSvc7"),
		V(PATH, "C:\\Program Files\\Acme\\Product 7 Gold\\guard1.exe"),
		V(KEY, "HKLM/SOFTWARE/Acme7/Settings/Deep/er"),
		V(PROVIDER, "Acme Provider 7 beta"),
		V(PATH, "/Windows/System32/drivers/etc/hosts"),
		V(PROGRAM, "Some other program altogether"),
	};

	assert_non_null(mkdtemp(folder));
	write_products(folder, n);
	if (signature_set_load(folder, &set, &why) < 0 || matcher_new(set, &matcher, &why) < 0)
		fail_msg("%s", why.text);
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		assert_int_equal(
			matcher_match(matcher, &values[i], 1, arena, &found, &n_found, &why),
			STATUS_OK);
		total += n_found;
	}
	assert_int_equal(total, 5);
	snprintf(command, sizeof(command), "rm -r %s", folder);
	assert_int_equal(system(command), 0);
	return matcher_steps(matcher);
}

static void matching_costs_no_more_with_a_hundred_times_the_signatures(void **state)
{
	(void)state;
	const uint64_t few = steps_with(10), many = steps_with(1000);

	print_message("steps: %llu with 10 products, %llu with 1000\n", (unsigned long long)few,
		      (unsigned long long)many);
	assert_true(many <= few + few / 4);
}

static void an_expression_out_of_its_limits_is_a_problem_and_no_answer(void **state)
{
	(void)state;
	char folder[] = "/tmp/avouch-match-XXXXXX", path[200], command[100], text[200];
	CLEANUP(signature_set_free_p) struct signature_set *set = NULL;
	CLEANUP(matcher_free_p) struct matcher *matcher = NULL;
	CLEANUP(arena_free_p) struct arena *arena = arena_new((size_t)64 << 20);
	struct failure why = FAILURE_NONE;
	const struct match_hit *found;
	size_t n_found;

	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/x.yaml", folder);
	write_file(path,
		   "schema: avouch.product/1\nid: x\nvendor: x\nvendor_name: X\nname: X\n"
		   "kind: protection\ndistribution: branded\nplatforms: [windows]\n"
		   "sources:\n  - { tag: X, cite: x }\ncomponents:\n  - id: c\n    role: data\n"
		   "    confidence: high\n    source: [X]\n    match:\n"
		   "      - { program: \"re:^(a+)+$\" }\n");
	if (signature_set_load(folder, &set, &why) < 0 || matcher_new(set, &matcher, &why) < 0)
		fail_msg("%s", why.text);
	memset(text, 'a', 100);
	text[99] = '!';
	const struct aspect_value value = { ASPECT_PROGRAM, { text, 100 } };

	assert_int_equal(matcher_match(matcher, &value, 1, arena, &found, &n_found, &why),
			 ERR_LIMIT);
	assert_int_equal(n_found, 0);
	snprintf(command, sizeof(command), "rm -r %s", folder);
	assert_int_equal(system(command), 0);
}

static void lint_names_file_and_line_of_every_mistake(void **state)
{
	(void)state;
	char folder[] = "/tmp/avouch-match-XXXXXX", path[200], command[100];
	struct failure why = FAILURE_NONE;
	struct lint_report report = { 0 };

	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/x.yaml", folder);
	write_file(path, "schema: avouch.product/1\n"
			 "id: y\n" /* 2: not the file's name */
			 "vendor: x\nvendor_name: X\nname: X\nkind: protection\n"
			 "distribution: branded\nplatforms: [windows]\n"
			 "sources:\n  - { tag: X, cite: x }\n"
			 "components:\n"
			 "  - id: c\n    role: protection\n    confidence: high\n"
			 "    source: [NOPE]\n" /* component: 12 */
			 "    match:\n"
			 "      - { program: \"re:(\" }\n"       /* 17 */
			 "      - { publisher: \"Somebody\" }\n" /* 18 */
			 "      - { path: \"{unknown}/x\" }\n"   /* 19 */
			 "product_codes:\n"
			 "  - { code: \"{BAD}\", confidence: high, source: [X] }\n"); /* 21 */
	snprintf(path, sizeof(path), "%s/z.yaml", folder);
	write_file(path, "schema: avouch.product/1\nid: z\nnonsense: 1\n");
	assert_int_equal(signatures_lint(folder, NULL, &report, &why), ERR_FORMAT);
	for (size_t i = 0; i < 6; i++) {
		static const char *const expected[] = { "/x.yaml:2: id:", "/x.yaml:12: ",
							"/x.yaml:17: ",   "/x.yaml:18: ",
							"/x.yaml:19: ",   "/x.yaml:21: " };

		if (!strstr(report.text, expected[i]))
			fail_msg("no %s in\n%s", expected[i], report.text);
	}
	assert_non_null(strstr(report.text, "/z.yaml:3: Unexpected key: nonsense"));
	print_message("%s", report.text);
	lint_report_clear(&report);
	snprintf(command, sizeof(command), "rm -r %s", folder);
	assert_int_equal(system(command), 0);
}

static void the_shipped_signatures_and_mandates_lint(void **state)
{
	(void)state;
	struct failure why = FAILURE_NONE;
	struct lint_report report = { 0 };

	if (signatures_lint(AVOUCH_SIGNATURES, AVOUCH_SIGNATURES, &report, &why) != STATUS_OK)
		fail_msg("%s\n%s", why.text, report.text ? report.text : "");
	lint_report_clear(&report);
}

static void the_documented_forms_are_themselves_correct(void **state)
{
	(void)state;
	char folder[] = "/tmp/avouch-match-XXXXXX", command[600];
	struct failure why = FAILURE_NONE;
	struct lint_report report = { 0 };

	assert_non_null(mkdtemp(folder));
	snprintf(command, sizeof(command),
		 "mkdir %s/products %s/mandates && cp " AVOUCH_SIGNATURES "/schema/product.yaml "
		 "%s/products/acme-shield.yaml && cp " AVOUCH_SIGNATURES "/schema/mandate.yaml "
		 "%s/mandates/xx-example-2020.yaml",
		 folder, folder, folder, folder);
	assert_int_equal(system(command), 0);
	if (signatures_lint(folder, folder, &report, &why) != STATUS_OK)
		fail_msg("%s\n%s", why.text, report.text ? report.text : "");
	lint_report_clear(&report);
	snprintf(command, sizeof(command), "rm -r %s", folder);
	assert_int_equal(system(command), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(program_names_tell_generations_of_one_family),
		cmocka_unit_test(a_management_plug_in_is_not_the_product_it_manages),
		cmocka_unit_test(documents_downloads_and_other_programs_identify_nothing),
		cmocka_unit_test(tasks_are_matched_from_the_root),
		cmocka_unit_test(a_service_name_that_generations_share_needs_its_folder),
		cmocka_unit_test(a_shared_driver_supports_what_is_identified_and_nothing_else),
		cmocka_unit_test(spellings_of_one_path_are_one_path),
		cmocka_unit_test(what_an_upgrade_set_aside_has_the_path_it_had),
		cmocka_unit_test(wanted_keys_are_found_from_above),
		cmocka_unit_test(patterns_fit_as_documented),
		cmocka_unit_test(malformed_patterns_are_refused),
		cmocka_unit_test(matching_costs_no_more_with_a_hundred_times_the_signatures),
		cmocka_unit_test(an_expression_out_of_its_limits_is_a_problem_and_no_answer),
		cmocka_unit_test(lint_names_file_and_line_of_every_mistake),
		cmocka_unit_test(the_shipped_signatures_and_mandates_lint),
		cmocka_unit_test(the_documented_forms_are_themselves_correct),
	};

	return cmocka_run_group_tests(tests, open_world, close_world);
}
