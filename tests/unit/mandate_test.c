/* SPDX-License-Identifier: Apache-2.0 */
/* Deadlines were also computed with Python's zoneinfo, which shares no code with ours. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "analyzer/match/mandates.h"

#ifndef AVOUCH_SIGNATURES
#define AVOUCH_SIGNATURES "signatures"
#endif

struct world {
	struct signature_set *set;
	struct mandate_set *acts;
};

static int open_world(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	struct failure why = FAILURE_NONE;

	if (signature_set_load(AVOUCH_SIGNATURES, &w->set, &why) < 0 ||
	    mandate_set_load(AVOUCH_SIGNATURES, w->set, &w->acts, &why) < 0) {
		print_error("%s\n", why.text);
		return -1;
	}
	*state = w;
	return 0;
}

static int close_world(void **state)
{
	struct world *w = *state;

	mandate_set_free(w->acts);
	signature_set_free(w->set);
	free(w);
	return 0;
}

static const struct milestone *milestone(struct world *w, const char *act, const char *id)
{
	const struct mandate *mandate = mandate_find(w->acts, act);

	assert_non_null(mandate);
	const struct milestone *m = mandate_find_milestone(mandate, id);

	assert_non_null(m);
	return m;
}

static void expect_deadline(struct world *w, const char *act, const char *id, const char *utc)
{
	const struct milestone *m = milestone(w, act, id);
	char text[INSTANT_TEXT_SIZE];

	assert_true(instant_is_set(m->deadline));
	assert_string_equal(ticks_format(m->deadline.ticks, text), utc);
}

static void deadlines_are_the_first_instant_after_the_last_day_at_the_seat(void **state)
{
	struct world *w = *state;

	expect_deadline(w, "us-bod-17-01", "m1", "2017-10-14T04:00:00Z");
	expect_deadline(w, "us-bod-17-01", "m3", "2017-12-13T05:00:00Z");
	expect_deadline(w, "us-ndaa18-1634", "use-ban", "2018-10-01T04:00:00Z");
	expect_deadline(w, "us-bis-2024", "m2", "2024-09-29T04:00:00Z");
	expect_deadline(w, "au-pspf-002-2025", "removal", "2025-04-01T13:00:00Z");
	expect_deadline(w, "au-pspf-002-2025", "install-ban", "2025-02-20T13:00:00Z");
	expect_deadline(w, "uk-ncsc-2017", "advice", "2017-12-01T00:00:00Z");
	expect_deadline(w, "ro-l354-2022", "hi", "2023-03-17T22:00:00Z");
	assert_false(instant_is_set(milestone(w, "us-nh-hb1335", "use-ban")->deadline));
}

static void the_directive_of_2017_orders_a_beginning(void **state)
{
	struct world *w = *state;

	assert_int_equal(milestone(w, "us-bod-17-01", "m3")->duty, DUTY_BEGIN_BY);
	assert_int_equal(milestone(w, "us-bod-17-01", "m1")->duty, DUTY_INFORMATION);
}

static void only_the_named_acts_are_judged_by_default(void **state)
{
	struct world *w = *state;
	size_t n = 0;

	for (size_t i = 0; i < w->acts->n_mandates; i++)
		n += w->acts->mandates[i].by_default;
	assert_int_equal(n, 5);
	assert_true(mandate_find(w->acts, "US-BOD-17-01")->by_default);
	assert_true(mandate_find(w->acts, "uk-ncsc-2017")->by_default);
	assert_false(mandate_find(w->acts, "cn-2026")->by_default);
}

static void an_organisations_own_day_ends_at_the_seat(void **state)
{
	struct world *w = *state;
	const struct mandate *act = mandate_find(w->acts, "us-bod-17-01");
	struct failure why = FAILURE_NONE;
	struct instant d;
	char text[INSTANT_TEXT_SIZE];

	assert_int_equal(mandate_deadline(act, "2018-02-28", &d, &why), STATUS_OK);
	assert_string_equal(ticks_format(d.ticks, text), "2018-03-01T05:00:00Z");
	assert_int_equal(mandate_deadline(act, "2018-02-28T12:00:00+01:00", &d, &why), STATUS_OK);
	assert_string_equal(ticks_format(d.ticks, text), "2018-02-28T11:00:00Z");
	assert_int_equal(mandate_deadline(act, "2018-02-30", &d, &why), ERR_FORMAT);
	assert_int_equal(mandate_deadline(act, "2018-02-28T12:00:00", &d, &why), ERR_FORMAT);
}

static void applicability_is_unknown_until_the_examiner_says(void **state)
{
	struct world *w = *state;
	const struct mandate *act = mandate_find(w->acts, "us-bod-17-01");
	const struct attribute agency[] = { { "country", "US" }, { "sector", "federal-civilian" } };
	const struct attribute nss[] = { { "country", "US" },
					 { "sector", "federal-civilian" },
					 { "classification", "national-security-system" } };
	const struct attribute britain[] = { { "country", "GB" } };

	assert_int_equal(mandate_applies(act, NULL, 0), ANSWER_UNKNOWN);
	assert_int_equal(mandate_applies(act, agency, 1), ANSWER_UNKNOWN);
	assert_int_equal(mandate_applies(act, agency, 2), ANSWER_YES);
	assert_int_equal(mandate_applies(act, nss, 3), ANSWER_NO);
	assert_int_equal(mandate_applies(act, britain, 1), ANSWER_NO);
}

static enum answer covers(struct world *w, const char *act, const char *product)
{
	const size_t i = signature_find_product(w->set, product);

	assert_int_not_equal(i, SIGNATURE_NONE);
	return mandate_covers(mandate_find(w->acts, act), &w->set->products[i]);
}

static void each_act_has_its_own_answer_for_agents_vpns_and_engines(void **state)
{
	struct world *w = *state;

	assert_int_equal(covers(w, "us-bod-17-01", "kaspersky-network-agent"), ANSWER_YES);
	assert_int_equal(covers(w, "us-bod-17-01", "kaspersky-embedded-engine"), ANSWER_NO);
	assert_int_equal(covers(w, "us-ndaa18-1634", "kaspersky-embedded-engine"), ANSWER_YES);
	assert_int_equal(covers(w, "us-bod-17-01", "kaspersky-components"), ANSWER_UNKNOWN);
	assert_int_equal(covers(w, "nl-2018", "kaspersky-network-agent"), ANSWER_NO);
	assert_int_equal(covers(w, "nl-2018", "kaspersky-vpn"), ANSWER_NO);
	assert_int_equal(covers(w, "nl-2018", "kaspersky-consumer"), ANSWER_YES);
	assert_int_equal(covers(w, "it-dl21-2022", "kaspersky-endpoint-agent"), ANSWER_YES);
	assert_int_equal(covers(w, "it-dl21-2022", "kaspersky-network-agent"), ANSWER_NO);
	assert_int_equal(covers(w, "us-bod-17-01", "drweb-antivirus"), ANSWER_NO);
	assert_int_equal(covers(w, "ua-2015", "drweb-antivirus"), ANSWER_YES);
	assert_int_equal(covers(w, "pl-2022", "kaspersky-safe-kids"), ANSWER_YES);
	assert_int_equal(covers(w, "pl-2022", "kaspersky-endpoint-security"), ANSWER_NO);
}

static void a_users_file_with_mistakes_is_refused_with_its_lines(void **state)
{
	struct world *w = *state;
	char path[] = "/tmp/avouch-mandate-XXXXXX";
	const int fd = mkstemp(path);
	struct failure why = FAILURE_NONE;
	struct mandate_set *acts = NULL;
	static const char text[] = "schema: avouch.mandate/1\n"
				   "id: ours\n"
				   "title: Ours\n"
				   "issuer: Us\n"
				   "country: GB\n"
				   "issued: 2018-01-01\n"
				   "seat: Europe/London\n"
				   "confidence: high\n"
				   "text_read: yes\n"
				   "sources:\n"
				   "  - { tag: O, cite: our own }\n"
				   "scope: { vendors: [kaspersky], embedded: no, services: no,"
				   " mobile: no }\n"
				   "milestones:\n"
				   "  - id: m1\n"
				   "    duty: remove-by\n"
				   "    by: 2018-07-01\n"
				   "    utc: 2018-07-02T00:00:00Z\n" /* one hour off: summer time */
				   "    text: Gone.\n"
				   "    source: [O]\n"
				   "    confidence: high\n";

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, sizeof(text) - 1), sizeof(text) - 1);
	close(fd);
	assert_int_equal(mandate_set_load(path, w->set, &acts, &why), ERR_FORMAT);
	assert_non_null(strstr(why.text, ":14: milestones[0]"));
	assert_non_null(strstr(why.text, "2018-07-01T23:00:00Z"));
	assert_null(acts);
	remove(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(deadlines_are_the_first_instant_after_the_last_day_at_the_seat),
		cmocka_unit_test(the_directive_of_2017_orders_a_beginning),
		cmocka_unit_test(only_the_named_acts_are_judged_by_default),
		cmocka_unit_test(an_organisations_own_day_ends_at_the_seat),
		cmocka_unit_test(applicability_is_unknown_until_the_examiner_says),
		cmocka_unit_test(each_act_has_its_own_answer_for_agents_vpns_and_engines),
		cmocka_unit_test(a_users_file_with_mistakes_is_refused_with_its_lines),
	};

	return cmocka_run_group_tests(tests, open_world, close_world);
}
