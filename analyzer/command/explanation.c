/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/command/explanation.h"

#include <stdarg.h>

#include "analyzer/command/citation.h"
#include "parsers/base/instant.h"
#include "parsers/base/text.h"

static void line(FILE *out, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void line(FILE *out, const char *format, ...)
{
	char text[2048];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args); /* cut is fine */
	va_end(args);
	fputs("    ", out);
	citation_print(out, text);
	fputc('\n', out);
}

/* The time of a member; false when it is null, or has no zone and cannot be compared. */
static bool time_of(const json_t *object, const char *key, int64_t *ret)
{
	const char *text = json_string_value(json_object_get(object, key));
	const struct instant at = text ? instant_parse(text_of(text)) :
					 (struct instant){ .state = INSTANT_UNSET };

	*ret = at.ticks;
	return instant_is_set(at) && text[strlen(text) - 1] == 'Z';
}

static bool same(const json_t *a, const char *key_a, const json_t *b, const char *key_b)
{
	return strcmp(citation_text(a, key_a), citation_text(b, key_b)) == 0;
}

static const char *known(const json_t *object, const char *key)
{
	const char *text = citation_text(object, key);

	return *text ? text : "an unknown time";
}

/* -- the weakest link ----------------------------------------------------------------------- */

/* How little a witness carries: 0 nothing against it. */
static int weakness(const json_t *witness)
{
	const char *confidence = citation_text(witness, "confidence");
	const char *recovery = citation_text(json_object_get(witness, "locator"), "recovery");

	if (*citation_text(witness, "qualified"))
		return 4;
	if (strcmp(confidence, "low") == 0 || strcmp(confidence, "recall") == 0)
		return 3;
	if (*recovery && strcmp(recovery, "allocated") != 0)
		return 2;
	return strcmp(confidence, "medium") == 0;
}

static void tell_weakness(FILE *out, const json_t *witness)
{
	const char *id = citation_text(witness, "id");

	switch (weakness(witness)) {
	case 4:
		line(out, "%s, for it is qualified: %s", id, citation_text(witness, "qualified"));
		break;
	case 3:
	case 1:
		line(out, "%s, for the signature of its component '%s' has %s confidence", id,
		     citation_text(witness, "component"), citation_text(witness, "confidence"));
		break;
	case 2:
		line(out, "%s, for its bytes are not live but %s", id,
		     citation_text(json_object_get(witness, "locator"), "recovery"));
		break;
	default:
		line(out, "no deciding witness is qualified, recovered or of less than high "
			  "confidence");
	}
}

void explain_weakest(FILE *out, const json_t *document, const json_t *verdict)
{
	const json_t *ids = json_object_get(verdict, "witnesses"), *weakest = NULL;
	const char *family = NULL;
	bool several = false;

	for (size_t i = 0; i < json_array_size(ids); i++) {
		const char *id = json_string_value(json_array_get(ids, i));
		const json_t *one = citation_find(document, "witnesses", id ? id : "");
		const char *its = citation_text(one, "family");

		several |= family && strcmp(family, its) != 0;
		family = its;
		if (!weakest || weakness(one) > weakness(weakest))
			weakest = one;
	}
	if (!weakest) {
		line(out, "no witness decides it: it rests on what was not found");
		return;
	}
	tell_weakness(out, weakest);
	if (!several)
		line(out, "the deciding witnesses are all of one family: %s", family);
}

/* -- families ------------------------------------------------------------------------------- */

/* As family_name() of the judge; the document names only those that say something. */
static const char *const families[] = { "Windows Installer",	   "service manager",
					"file system",		   "execution traces",
					"the product's own records", "system state",
					"shadow copies" };

enum { FAMILIES = sizeof(families) / sizeof(families[0]) };

enum side { SIDE_NONE, SIDE_SPEAKS, SIDE_GONE_BEFORE, SIDE_THERE_FROM, SIDES };

/* What a witness alone says: gone before the limit, there at or after it, or neither. */
static enum side side_of(const json_t *witness, int64_t limit)
{
	const char *assertion = citation_text(witness, "assertion");
	int64_t at;

	if (weakness(witness) == 3)
		return SIDE_NONE;
	if ((strcmp(assertion, "end") == 0 || strcmp(assertion, "absent") == 0) &&
	    time_of(witness, "not_after", &at) && at < limit)
		return SIDE_GONE_BEFORE;
	/* An end proves the product until it came. */
	if ((strcmp(assertion, "begin") == 0 || strcmp(assertion, "present") == 0 ||
	     strcmp(assertion, "end") == 0) &&
	    time_of(witness, "not_before", &at) && at >= limit)
		return SIDE_THERE_FROM;
	return SIDE_SPEAKS;
}

static void tell_side(FILE *out, const bool seen[FAMILIES], const char *words)
{
	char text[256] = "";

	for (size_t f = 0; f < FAMILIES; f++)
		if (seen[f])
			(void)snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s",
				       *text ? ", " : "", families[f]);
	if (*text)
		line(out, "%s: %s", words, text);
}

static void tell_families(FILE *out, const json_t *document, const json_t *verdict,
			  const json_t *product, int64_t limit)
{
	const json_t *witnesses = json_object_get(document, "witnesses");
	bool seen[SIDES][FAMILIES] = { { false } };

	for (size_t i = 0; i < json_array_size(witnesses); i++) {
		const json_t *one = json_array_get(witnesses, i);

		if (!same(one, "product", product, "product") || !same(one, "system", verdict, "system"))
			continue;
		for (size_t f = 0; f < FAMILIES; f++)
			if (strcmp(citation_text(one, "family"), families[f]) == 0)
				seen[side_of(one, limit)][f] = true;
	}
	for (size_t f = 0; f < FAMILIES; f++)
		seen[SIDE_NONE][f] = !seen[SIDE_SPEAKS][f] && !seen[SIDE_GONE_BEFORE][f] &&
				     !seen[SIDE_THERE_FROM][f];
	tell_side(out, seen[SIDE_GONE_BEFORE], "put an end or an absence before the limit");
	tell_side(out, seen[SIDE_THERE_FROM], "prove it there at or after the limit");
	tell_side(out, seen[SIDE_NONE], "say nothing of it");
}

void explain_families(FILE *out, const json_t *document, const json_t *verdict)
{
	const json_t *products = json_object_get(verdict, "products");
	int64_t limit;

	if (!time_of(verdict, "deadline", &limit))
		return;
	for (size_t i = 0; i < json_array_size(products); i++) {
		line(out, "of %s", citation_text(json_array_get(products, i), "product"));
		tell_families(out, document, verdict, json_array_get(products, i), limit);
	}
}

/* -- recorders ------------------------------------------------------------------------------ */

/* Recorders whose span does not hold all of a stretch, and those that hold it and are silent. */
static void tell_spans(FILE *out, const json_t *document, const json_t *verdict,
		       const json_t *stretch)
{
	const json_t *coverage = json_object_get(document, "coverage");
	int64_t from, to, first, last;
	const bool has_first = time_of(stretch, "not_before", &first);
	const bool has_last = time_of(stretch, "not_after", &last);

	for (size_t i = 0; i < json_array_size(coverage); i++) {
		const json_t *one = json_array_get(coverage, i);
		const json_t *volume =
			citation_find(document, "volumes", citation_text(one, "volume"));
		const char *name = citation_text(one, "source");

		if (!same(one, "system", verdict, "system") || !time_of(one, "from", &from) ||
		    !time_of(one, "to", &to) || json_is_object(json_object_get(volume, "snapshot")))
			continue;
		if (!has_first || from > first)
			line(out, "%s reaches back to %s only: an earlier record of it could decide",
			     name, citation_text(one, "from"));
		if (!has_last || to < last)
			line(out, "%s ends at %s: a later record of it could decide", name,
			     citation_text(one, "to"));
		if (has_first && has_last && from <= first && to >= last)
			line(out, "%s reaches from %s to %s, over all of it, and is silent", name,
			     citation_text(one, "from"), citation_text(one, "to"));
	}
}

/* Recorders that lack records of the time after an instant (every time when has_after is false). */
static void tell_gaps(FILE *out, const json_t *document, const json_t *verdict, bool has_after,
		      int64_t after)
{
	const json_t *gaps = json_object_get(document, "gaps");

	for (size_t i = 0; i < json_array_size(gaps); i++) {
		const json_t *one = json_array_get(gaps, i);
		int64_t at;

		if (!same(one, "system", verdict, "system"))
			continue;
		if (has_after && time_of(one, "at", &at) && at <= after &&
		    strcmp(citation_text(one, "kind"), "ends-early") != 0)
			continue;
		line(out, "%s", citation_text(one, "text"));
	}
}

static void tell_losses(FILE *out, const json_t *document)
{
	const json_t *problems = json_object_get(document, "problems");

	for (size_t i = 0; i < json_array_size(problems); i++) {
		const json_t *one = json_array_get(problems, i);

		if (json_is_true(json_object_get(one, "lost")))
			line(out, "a complete reading of %s would decide: %s",
			     citation_text(one, "where"), citation_text(one, "what"));
	}
}

/* -- what would change it ------------------------------------------------------------------- */

static const json_t *product_of(const json_t *document, const json_t *verdict,
				const json_t *outcome)
{
	const json_t *products = json_object_get(document, "products");

	for (size_t i = 0; i < json_array_size(products); i++)
		if (same(json_array_get(products, i), "id", outcome, "product") &&
		    same(json_array_get(products, i), "system", verdict, "system"))
			return json_array_get(products, i);
	return NULL;
}

static const json_t *last_stay(const json_t *product)
{
	const json_t *episodes = json_object_get(product, "episodes");
	const size_t n = json_array_size(episodes);

	return n ? json_array_get(episodes, n - 1) : NULL;
}

/* "2017-12-10T...Z (W-...)": an end of a bound with the witness that sets it. */
static const char *bound_end(const json_t *stay, const char *bound, const char *end,
			     char buffer[128])
{
	char by[32];

	(void)snprintf(by, sizeof(by), "%s_by", bound);

	const char *witness = citation_text(json_object_get(stay, by), end);

	(void)snprintf(buffer, 128, "%s%s%s%s", known(json_object_get(stay, bound), end),
		       *witness ? " (" : "", witness, *witness ? ")" : "");
	return buffer;
}

static void change_straddle(FILE *out, const json_t *document, const json_t *verdict,
			    const json_t *stay)
{
	const json_t *removed = json_object_get(stay, "removed");
	char from[128], to[128];
	int64_t first;
	const bool has_first = time_of(removed, "not_before", &first);

	line(out, "the limit %s lies between the last proof of presence, %s, and the first proof of "
		  "absence, %s", citation_text(verdict, "deadline"),
	     bound_end(stay, "removed", "not_before", from),
	     bound_end(stay, "removed", "not_after", to));
	line(out, "a proof of presence between %s and %s would make it late, one of absence between "
		  "%s and %s in time",
	     citation_text(verdict, "deadline"), known(removed, "not_after"),
	     known(removed, "not_before"), citation_text(verdict, "deadline"));
	tell_spans(out, document, verdict, removed);
	tell_gaps(out, document, verdict, has_first, first);
}

static void change_in_time(FILE *out, const json_t *document, const json_t *verdict,
			   const json_t *stay)
{
	const json_t *coverage = json_object_get(document, "coverage");
	char to[128];
	int64_t limit, at;

	(void)time_of(verdict, "deadline", &limit);
	line(out, "its upper bound %s would have to fall, or the product to be proved at or after %s",
	     bound_end(stay, "removed", "not_after", to), citation_text(verdict, "deadline"));
	for (size_t i = 0; i < json_array_size(coverage); i++) {
		const json_t *one = json_array_get(coverage, i);

		if (same(one, "system", verdict, "system") && time_of(one, "to", &at) &&
		    at >= limit)
			line(out, "%s goes on to %s and shows no later stay",
			     citation_text(one, "source"), citation_text(one, "to"));
	}
	tell_gaps(out, document, verdict, true, limit);
}

static void change_late(FILE *out, const json_t *document, const json_t *verdict,
			const json_t *stay)
{
	char from[128];
	int64_t limit;

	(void)document;
	(void)time_of(verdict, "deadline", &limit);
	line(out, "its lower bound %s would have to fall: another meaning or another time of that "
		  "record, and of every other proof of presence at or after %s",
	     bound_end(stay, "removed", "not_before", from), citation_text(verdict, "deadline"));
}

/* What stood at acquisition: the witnesses of state that the verdict cites. */
static void change_state(FILE *out, const json_t *document, const json_t *verdict,
			 const json_t *outcome)
{
	const json_t *ids = json_object_get(verdict, "witnesses");
	const json_t *system =
		citation_find(document, "systems", citation_text(verdict, "system"));
	int64_t limit, last;

	for (size_t i = 0; i < json_array_size(ids); i++) {
		const char *id = json_string_value(json_array_get(ids, i));
		const json_t *one = citation_find(document, "witnesses", id ? id : "");

		if (strcmp(citation_text(one, "assertion"), "residue") == 0 &&
		    same(one, "product", outcome, "product"))
			line(out, "%s would have to be no part of the product, or not to stand: %s",
			     id, citation_text(one, "text"));
	}
	if (time_of(verdict, "deadline", &limit) && time_of(system, "last_activity", &last) &&
	    last < limit)
		line(out, "the machine last ran at %s, before the limit %s: whether it was used "
			  "after it is not known",
		     citation_text(system, "last_activity"), citation_text(verdict, "deadline"));
}

static void change_reinstalled(FILE *out, const json_t *product)
{
	const json_t *episodes = json_object_get(product, "episodes");
	char to[128], from[128];

	for (size_t i = 0; i + 1 < json_array_size(episodes); i++)
		line(out, "stay %zu, which ends by %s, and stay %zu, which begins from %s, would have "
			  "to be one", i + 1,
		     bound_end(json_array_get(episodes, i), "removed", "not_after", to), i + 2,
		     bound_end(json_array_get(episodes, i + 1), "installed", "not_before", from));
}

/* Whether a witness was found in free clusters. */
static bool has_carved(const json_t *document)
{
	const json_t *witnesses = json_object_get(document, "witnesses");

	for (size_t i = 0; i < json_array_size(witnesses); i++)
		if (strcmp(citation_text(json_object_get(json_array_get(witnesses, i), "locator"),
					 "recovery"), "carved") == 0)
			return true;
	return false;
}

static void change_unknown(FILE *out, const json_t *document, const json_t *verdict)
{
	int64_t limit;

	tell_losses(out, document);
	if (time_of(verdict, "deadline", &limit) &&
	    json_array_size(json_object_get(verdict, "limit_covered_by")) == 0)
		line(out, "no log or journal reaches over the limit %s: older logs, a backup or the "
			  "management server's records would", citation_text(verdict, "deadline"));
	if (!has_carved(document))
		line(out, "records that event logs and the change journal have dropped may stand in free "
			  "clusters still: 'analyze --carve' looks for them");
	tell_gaps(out, document, verdict, false, 0);
}

/* Outcomes that no record of this machine can change. */
static const char *fixed_change(const char *outcome)
{
	static const struct {
		const char *outcome, *change;
	} table[] = {
		{ "installed-after", "a proof that the product stood before the day of the ban" },
		{ "not-yet-due", "an image made after the limit" },
		{ "not-applicable", "other attributes of the machine (--attribute)" },
		{ "noted", "a last day of the organisation's own (--deadline)" },
		{ "no-trace", "any record that asserts the product on this system" },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (strcmp(table[i].outcome, outcome) == 0)
			return table[i].change;
	return NULL;
}

/* Whether it is for its limit, between the bounds of the removal, that a verdict is open. */
static bool straddles(const json_t *verdict, const json_t *stay)
{
	const json_t *removed = json_object_get(stay, "removed");
	int64_t limit, at;

	return json_is_object(removed) && time_of(verdict, "deadline", &limit) &&
	       !(time_of(removed, "not_before", &at) && at >= limit) &&
	       !(time_of(removed, "not_after", &at) && at < limit);
}

static void change_product(FILE *out, const json_t *document, const json_t *verdict,
			   const json_t *one)
{
	const char *outcome = citation_text(one, "outcome");
	const json_t *product = product_of(document, verdict, one), *stay = last_stay(product);
	const bool gone = json_is_object(json_object_get(stay, "removed"));

	if (json_array_size(json_object_get(verdict, "products")) > 1)
		line(out, "of %s", citation_text(one, "product"));
	if (strcmp(outcome, "indeterminate") == 0 && straddles(verdict, stay))
		change_straddle(out, document, verdict, stay);
	else if (strcmp(outcome, "indeterminate") == 0)
		change_unknown(out, document, verdict);
	else if (strcmp(outcome, "removed-in-time") == 0 && gone)
		change_in_time(out, document, verdict, stay);
	else if (strcmp(outcome, "removed-late") == 0 && gone)
		change_late(out, document, verdict, stay);
	else if (strcmp(outcome, "reinstalled") == 0)
		change_reinstalled(out, product);
	else
		change_state(out, document, verdict, one);
}

void explain_change(FILE *out, const json_t *document, const json_t *verdict)
{
	const json_t *products = json_object_get(verdict, "products");
	const char *outcome = citation_text(verdict, "outcome"), *fixed = fixed_change(outcome);

	if (fixed) {
		line(out, "%s", fixed);
		return;
	}
	if (json_array_size(products) == 0)
		change_unknown(out, document, verdict);
	for (size_t i = 0; i < json_array_size(products); i++)
		if (same(json_array_get(products, i), "outcome", verdict, "outcome"))
			change_product(out, document, verdict, json_array_get(products, i));
}
