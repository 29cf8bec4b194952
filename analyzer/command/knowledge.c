/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <sys/stat.h>

#include "analyzer/command/command.h"
#include "analyzer/report/document.h"
#include "parsers/base/limits.h"
#include "parsers/base/text.h"

int usage_error(const char *command, const char *format, ...)
{
	va_list args;

	fputs("avouch: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, "\nTry 'avouch %s --help'.\n", command);
	return EXIT_USAGE;
}

int fail(int exit_status, const char *format, ...)
{
	va_list args;

	fputs("avouch: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	return exit_status;
}

static bool is_folder(const char *path)
{
	struct stat st;

	return path && stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

const char *signatures_folder(const char *option)
{
	if (option)
		return option;
	if (is_folder(getenv("AVOUCH_SIGNATURES")))
		return getenv("AVOUCH_SIGNATURES");
	return is_folder(AVOUCH_INSTALLED_SIGNATURES) ? AVOUCH_INSTALLED_SIGNATURES :
							AVOUCH_SOURCE_SIGNATURES;
}

static bool take_attribute(struct judging_options *options, char *argument)
{
	char *equals = strchr(argument, '=');

	if (!equals || equals == argument || options->n_attributes == ATTRIBUTES_MAX)
		return false;
	*equals = '\0';
	options->attributes[options->n_attributes++] =
		(struct attribute){ argument, equals + 1 };
	return true;
}

bool judging_option(struct judging_options *options, int option, char *argument)
{
	switch (option) {
	case 'm':
		if (options->n_mandates == MANDATES_MAX)
			return false;
		options->mandates[options->n_mandates++] = argument;
		return true;
	case 'q':
		options->quiet = true;
		return true;
	case 1001:
		if (options->n_deadlines == MANDATES_MAX || !strchr(argument, '='))
			return false;
		options->deadlines[options->n_deadlines++] = argument;
		return true;
	case 1002:
		return take_attribute(options, argument);
	case 1003:
		options->signatures = argument;
		return true;
	case 1004:
		options->json = argument;
		return true;
	case 1005:
		options->html = argument;
		return true;
	default:
		return false;
	}
}

void knowledge_clear(struct knowledge *k)
{
	for (size_t i = 0; i < k->n_own; i++)
		mandate_set_free(k->own[i]);
	mandate_set_free(k->shipped);
	matcher_free(k->matcher);
	signature_set_free(k->signatures);
	*k = (struct knowledge){ .n_own = 0 };
}

static bool is_file_name(const char *mandate)
{
	return strchr(mandate, '/') || path_fits("*.yaml", text_of(mandate)) ||
	       path_fits("*.yml", text_of(mandate));
}

int knowledge_load(struct knowledge *k, const struct judging_options *options)
{
	struct failure why = FAILURE_NONE;
	const char *folder = signatures_folder(options->signatures);

	if (signature_set_load(folder, &k->signatures, &why) < 0 ||
	    matcher_new(k->signatures, &k->matcher, &why) < 0 ||
	    mandate_set_load(folder, k->signatures, &k->shipped, &why) < 0)
		return fail(EXIT_USAGE, "signatures in '%s': %s", folder, why.text);
	for (size_t i = 0; i < options->n_mandates; i++) {
		const char *name = options->mandates[i];

		if (!is_file_name(name)) {
			if (!mandate_find(k->shipped, name))
				return fail(EXIT_USAGE, "no mandate '%s'; 'avouch mandates list' "
							"shows them", name);
			continue;
		}
		if (mandate_set_load(name, k->signatures, &k->own[k->n_own], &why) < 0)
			return fail(EXIT_USAGE, "mandate '%s': %s", name, why.text);
		k->n_own++;
	}
	return 0;
}

/* -- judging -------------------------------------------------------------------------------- */

struct chosen {
	const struct mandate *mandates[2 * MANDATES_MAX];
	bool named[2 * MANDATES_MAX];
	size_t n;
};

static void choose(struct chosen *c, const struct mandate *mandate, bool named)
{
	for (size_t i = 0; i < c->n; i++)
		if (c->mandates[i] == mandate)
			return;
	if (mandate && c->n < 2 * MANDATES_MAX) {
		c->mandates[c->n] = mandate;
		c->named[c->n++] = named;
	}
}

static struct chosen choose_mandates(const struct knowledge *k,
				     const struct judging_options *options)
{
	struct chosen c = { .n = 0 };

	for (size_t i = 0; i < options->n_mandates; i++)
		if (!is_file_name(options->mandates[i]))
			choose(&c, mandate_find(k->shipped, options->mandates[i]), true);
	for (size_t i = 0; i < k->n_own; i++)
		for (size_t m = 0; m < k->own[i]->n_mandates; m++)
			choose(&c, &k->own[i]->mandates[m], true);
	for (size_t m = 0; c.n == 0 && m < 1; m++)
		for (size_t i = 0; i < k->shipped->n_mandates; i++)
			if (k->shipped->mandates[i].by_default)
				choose(&c, &k->shipped->mandates[i], false);
	return c;
}

static bool has_milestone(const struct mandate *mandate, struct text id)
{
	for (unsigned i = 0; i < mandate->n_milestones; i++)
		if (text_equal_folded(text_of(mandate->milestones[i].id), id))
			return true;
	return false;
}

/* "ID[.MILESTONE]=DATE|TIME" read against the mandates in force. */
static int read_deadlines(const struct chosen *c, const struct judging_options *options,
			  struct own_deadline *ret)
{
	for (size_t i = 0; i < options->n_deadlines; i++) {
		const char *given = options->deadlines[i];
		const char *equals = strchr(given, '=');
		const struct text whole = { given, (size_t)(equals - given) };
		struct failure why = FAILURE_NONE;
		bool known = false;

		for (size_t m = 0; m < c->n && !known; m++) {
			const struct text id = text_of(c->mandates[m]->id);
			struct instant at;

			known = whole.size >= id.size &&
				text_equal_folded((struct text){ given, id.size }, id) &&
				(whole.size == id.size || given[id.size] == '.');
			if (!known)
				continue;
			if (mandate_deadline(c->mandates[m], equals + 1, &at, &why) < 0)
				return fail(EXIT_USAGE, "--deadline %s: %s", given, why.text);
			ret[i] = (struct own_deadline){ id, { NULL, 0 }, at.ticks,
							at.precision < TICKS_PER_DAY };
			if (whole.size > id.size)
				ret[i].milestone = (struct text){ given + id.size + 1,
								  whole.size - id.size - 1 };
			if (ret[i].milestone.size && !has_milestone(c->mandates[m], ret[i].milestone))
				return fail(EXIT_USAGE, "--deadline %s: %s has no such milestone; "
							"'avouch mandates show %s' lists them",
					    given, id.data, id.data);
		}
		if (!known)
			return fail(EXIT_USAGE, "--deadline %s names no mandate in force", given);
	}
	return 0;
}

static int write_to(const char *path, const json_t *document, const char *json)
{
	const bool standard = strcmp(path, "-") == 0;
	FILE *out = standard ? stdout : fopen(path, "we");

	if (!out)
		return fail(EXIT_FAULT, "cannot write '%s'", path);
	if (json)
		fputs(json, out);
	else
		report_write_html(document, out);

	const bool failed = ferror(out) != 0;

	if ((standard ? fflush(out) : fclose(out)) != 0 || failed)
		return fail(EXIT_FAULT, "cannot write '%s'", path);
	return 0;
}

static int write_reports(const json_t *document, const char *json,
			 const struct judging_options *options)
{
	const bool taken = (options->json && strcmp(options->json, "-") == 0) ||
			   (options->html && strcmp(options->html, "-") == 0);
	int status = 0;

	if (options->json)
		status = write_to(options->json, document, json);
	if (status == 0 && options->html)
		status = write_to(options->html, document, NULL);
	if (status == 0 && !options->quiet && !taken)
		report_write_text(document, stdout);
	return status;
}

static const char *member(const json_t *object, const char *key)
{
	const char *value = json_string_value(json_object_get(object, key));

	return value ? value : "";
}

/* Says on standard error which verdicts differ from those of the judgement before. */
static void tell_changes(const char *before_text, const json_t *now)
{
	json_t *before = before_text ? json_loads(before_text, 0, NULL) : NULL;
	size_t i, k;
	json_t *old, *new;

	json_array_foreach(json_object_get(before, "verdicts"), i, old)
		json_array_foreach(json_object_get(now, "verdicts"), k, new)
			if (strcmp(member(old, "system"), member(new, "system")) == 0 &&
			    strcmp(member(old, "mandate"), member(new, "mandate")) == 0 &&
			    strcmp(member(old, "milestone"), member(new, "milestone")) == 0 &&
			    strcmp(member(old, "outcome"), member(new, "outcome")) != 0)
				fprintf(stderr, "avouch: %s %s.%s was %s in the judgement before, "
						"now %s (signatures then %.12s, now %.12s)\n",
					member(new, "system"), member(new, "mandate"),
					member(new, "milestone"), member(old, "outcome"),
					member(new, "outcome"),
					member(json_object_get(before, "tool"), "signatures_sha256"),
					member(json_object_get(now, "tool"), "signatures_sha256"));
	json_decref(before);
}

/* -- attributes ------------------------------------------------------------------------------ */

static bool predicates_know(const struct predicate *predicates, unsigned n, const char *key,
			    const char *value)
{
	for (unsigned i = 0; i < n; i++) {
		if (!text_equal_folded(text_of(predicates[i].attribute), text_of(key)))
			continue;
		for (unsigned k = 0; value && k < predicates[i].n_is; k++)
			if (text_equal_folded(text_of(predicates[i].is[k]), text_of(value)))
				return true;
		if (!value)
			return true;
	}
	return false;
}

/* Whether any mandate asks for the attribute, or (value not NULL) names this value of it. */
static bool is_asked_for(const struct mandate_set *set, const char *key, const char *value)
{
	for (size_t i = 0; i < set->n_mandates; i++)
		if (predicates_know(set->mandates[i].all, set->mandates[i].n_all, key, value) ||
		    predicates_know(set->mandates[i].except, set->mandates[i].n_except, key, value))
			return true;
	return false;
}

static bool knows_attribute(const struct knowledge *k, const char *key, const char *value)
{
	bool known = is_asked_for(k->shipped, key, value);

	for (size_t i = 0; i < k->n_own && !known; i++)
		known = is_asked_for(k->own[i], key, value);
	return known;
}

/* A country's code may be one that no mandate names; anything else is a slip of the pen. */
static bool is_country(const char *key, const char *value)
{
	return text_equal_folded(text_of(key), TEXT("country")) && strlen(value) == 2 &&
	       !text_equal_folded(text_of(value), TEXT("UK"));
}

/*
 * The attributes that can be judged by. One that no mandate knows must not decide that an act does
 * not apply: it is left out, as if it were not known, and that is said.
 */
static size_t usable_attributes(const struct knowledge *k, const struct judging_options *options,
				struct attribute *ret)
{
	size_t n = 0;

	for (size_t i = 0; i < options->n_attributes; i++) {
		const struct attribute a = options->attributes[i];

		if (!knows_attribute(k, a.key, NULL))
			fprintf(stderr, "avouch: no mandate asks for the attribute '%s': it is not "
					"used\n", a.key);
		else if (!knows_attribute(k, a.key, a.value) && !is_country(a.key, a.value))
			fprintf(stderr, "avouch: no mandate knows '%s=%s': it is taken as unknown "
					"(countries are two letters: GB, US; 'avouch mandates show ID' "
					"gives the words an act uses)\n", a.key, a.value);
		else
			ret[n++] = a;
	}
	return n;
}

int judge_and_report(struct case_file *file, struct arena *arena,
		     const struct case_contents *contents, struct knowledge *k,
		     const struct judging_options *options)
{
	struct failure why = FAILURE_NONE;
	struct judgement judgement;
	struct own_deadline deadlines[MANDATES_MAX];
	const struct chosen c = choose_mandates(k, options);
	struct attribute attributes[ATTRIBUTES_MAX];
	int status = read_deadlines(&c, options, deadlines);

	if (status)
		return status;

	const struct judge_options how = { .mandates = c.mandates,
					   .n_mandates = c.n,
					   .named = c.named,
					   .attributes = attributes,
					   .n_attributes = usable_attributes(k, options, attributes),
					   .deadlines = deadlines,
					   .n_deadlines = options->n_deadlines };

	if (judge_run(arena, contents, k->signatures, k->matcher, &how, &judgement, &why) < 0)
		return fail(EXIT_FAULT, "judging failed: %s", why.text);

	json_t *document = document_build(contents, &judgement, k->signatures, AVOUCH_VERSION);
	CLEANUP(free_p) char *json = document ? document_text(document) : NULL;
	struct case_judgement row = { .document = json,
				      .tool_version = AVOUCH_VERSION,
				      .signatures_sha256 = k->signatures->sha256,
				      .mandates_sha256 = k->shipped->sha256,
				      .exit_status = judgement.exit_status };

	struct case_judgement before = { .document = NULL };

	if (json && case_find_judgement(file, 0, arena, &before, NULL) == STATUS_OK)
		tell_changes(before.document, document);
	if (!json)
		status = fail(EXIT_FAULT, "no memory for the report");
	else if (case_add_judgement(file, &row, &why) < 0)
		status = fail(EXIT_FAULT, "the judgement could not be kept: %s", why.text);
	if (status == 0)
		status = write_reports(document, json, options);
	json_decref(document);
	return status ? status : judgement.exit_status;
}
