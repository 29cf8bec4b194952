/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/match/mandates.h"

#include <stdio.h>
#include <strings.h>

#include "analyzer/match/lint.h"
#include "analyzer/match/yaml_schema.h"
#include "parsers/base/text.h"
#include "parsers/base/zone.h"

/* The applies block, flattened when taken over. */
struct applies {
	struct predicate *all;
	unsigned n_all;
	struct predicate *except;
	unsigned n_except;
};

struct mandate_file {
	const char *schema;
	struct mandate mandate;
	struct applies applies;
};

enum { MAX_TEXT = 8192 };

static const cyaml_strval_t duties[] = {
	{ "remove-by", DUTY_REMOVE_BY },     { "begin-by", DUTY_BEGIN_BY },
	{ "no-use-from", DUTY_NO_USE_FROM }, { "no-install-from", DUTY_NO_INSTALL_FROM },
	{ "promptly", DUTY_PROMPTLY },       { "information", DUTY_INFORMATION },
};

static const cyaml_strval_t answers[] = { { "no", ANSWER_NO },
					  { "yes", ANSWER_YES },
					  { "unknown", ANSWER_UNKNOWN } };

static const cyaml_strval_t texts_read[] = { { "no", TEXT_READ_NO },
					     { "yes", TEXT_READ_YES },
					     { "part", TEXT_READ_PART } };

static const cyaml_strval_t mobiles[] = {
	{ "unknown", MOBILE_UNKNOWN },
	{ "no", MOBILE_NO },
	{ "yes", MOBILE_YES },
	{ "only", MOBILE_ONLY },
};

static const cyaml_schema_field_t predicate_fields[] = {
	STRING("attribute", struct predicate, attribute),
	LIST("is", CYAML_FLAG_DEFAULT, struct predicate, is, n_is, &yaml_string),
	CYAML_FIELD_END,
};

static const cyaml_schema_value_t predicate_schema = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct predicate, predicate_fields),
};

static const cyaml_schema_field_t applies_fields[] = {
	LIST("all", CYAML_FLAG_OPTIONAL, struct applies, all, n_all, &predicate_schema),
	LIST("except", CYAML_FLAG_OPTIONAL, struct applies, except, n_except, &predicate_schema),
	CYAML_FIELD_END,
};

static const cyaml_schema_value_t kind_schema = {
	CYAML_VALUE_ENUM(CYAML_FLAG_STRICT, enum product_kind, yaml_kinds,
			 CYAML_ARRAY_LEN(yaml_kinds)),
};

static const cyaml_schema_field_t scope_fields[] = {
	LIST("vendors", CYAML_FLAG_OPTIONAL, struct scope, vendors, n_vendors, &yaml_string),
	LIST("products", CYAML_FLAG_OPTIONAL, struct scope, products, n_products, &yaml_string),
	LIST("except_products", CYAML_FLAG_OPTIONAL, struct scope, except_products,
	     n_except_products, &yaml_string),
	LIST("kinds", CYAML_FLAG_OPTIONAL, struct scope, kinds, n_kinds, &kind_schema),
	WORD("embedded", CYAML_FLAG_DEFAULT, struct scope, embedded, answers),
	WORD("services", CYAML_FLAG_DEFAULT, struct scope, services, answers),
	WORD("mobile", CYAML_FLAG_DEFAULT, struct scope, mobile, mobiles),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t milestone_fields[] = {
	STRING("id", struct milestone, id),
	WORD("duty", CYAML_FLAG_DEFAULT, struct milestone, duty, duties),
	OPTIONAL_STRING("by", struct milestone, by),
	OPTIONAL_STRING("from", struct milestone, from),
	OPTIONAL_STRING("at", struct milestone, at),
	OPTIONAL_STRING("utc", struct milestone, utc),
	STRING("text", struct milestone, text),
	LIST("source", CYAML_FLAG_DEFAULT, struct milestone, sources, n_sources, &yaml_string),
	WORD("confidence", CYAML_FLAG_DEFAULT, struct milestone, confidence, yaml_confidences),
	CYAML_FIELD_END,
};

static const cyaml_schema_value_t milestone_schema = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct milestone, milestone_fields),
};

static const cyaml_schema_field_t mandate_fields[] = {
	STRING("schema", struct mandate_file, schema),
	STRING("id", struct mandate_file, mandate.id),
	STRING("title", struct mandate_file, mandate.title),
	STRING("issuer", struct mandate_file, mandate.issuer),
	STRING("country", struct mandate_file, mandate.country),
	STRING("issued", struct mandate_file, mandate.issued),
	STRING("seat", struct mandate_file, mandate.seat),
	CYAML_FIELD_BOOL("default", CYAML_FLAG_OPTIONAL, struct mandate_file, mandate.by_default),
	WORD("confidence", CYAML_FLAG_DEFAULT, struct mandate_file, mandate.confidence,
	     yaml_confidences),
	WORD("text_read", CYAML_FLAG_DEFAULT, struct mandate_file, mandate.text_read, texts_read),
	LIST("sources", CYAML_FLAG_DEFAULT, struct mandate_file, mandate.sources, mandate.n_sources,
	     &yaml_citation),
	CYAML_FIELD_MAPPING("applies", CYAML_FLAG_OPTIONAL, struct mandate_file, applies,
			    applies_fields),
	CYAML_FIELD_MAPPING("scope", CYAML_FLAG_DEFAULT, struct mandate_file, mandate.scope,
			    scope_fields),
	LIST("milestones", CYAML_FLAG_DEFAULT, struct mandate_file, mandate.milestones,
	     mandate.n_milestones, &milestone_schema),
	OPTIONAL_STRING("notes", struct mandate_file, mandate.notes),
	CYAML_FIELD_END,
};

static const cyaml_schema_value_t mandate_schema = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct mandate_file, mandate_fields),
};

struct loaded_mandates {
	struct mandate_set set; /* first: callers hold this */
	struct mandate *mandates;
	struct mandate_file **loaded;
	struct yaml_file *files;
	size_t n_files;
	char **zone_sources; /* one for each file */
};

const char *duty_name(enum duty duty)
{
	return yaml_word(duties, CYAML_ARRAY_LEN(duties), duty);
}

static bool is_day(const char *text, struct instant *ret)
{
	*ret = instant_parse(text_of(text));
	return strlen(text) == 10 && instant_is_set(*ret);
}

/* The first instant of a local day, some days on, in UTC. */
static struct instant day_start(const struct zone *zone, struct instant day, int days)
{
	int64_t earliest, latest;

	zone_local_to_utc(zone, day.ticks + days * TICKS_PER_DAY, &earliest, &latest);
	return (struct instant){ .ticks = earliest,
				 .precision = TICKS_PER_DAY,
				 .state = INSTANT_SET,
				 .zone = ZONE_UTC };
}

/* zone NULL: unknown; then UNSET. */
static struct instant compute_deadline(const struct milestone *m, const struct zone *zone)
{
	struct instant day, none = { 0 };

	if (m->at) {
		day = instant_parse(text_of(m->at));
		if (day.zone != ZONE_LOCAL)
			day.zone = ZONE_UTC;
		return day;
	}
	if (!zone)
		return none;
	if (m->by && is_day(m->by, &day))
		return day_start(zone, day, 1);
	if (m->from && is_day(m->from, &day))
		return day_start(zone, day, 0);
	return none;
}

struct mandate_check {
	struct messages *messages;
	const struct yaml_file *file;
	struct mandate *mandate;
	const struct signature_set *set;
	const struct zone *zone; /* NULL: no rules for the seat */
};

/* Which of by, from and at a duty may have. */
static void check_form(const struct mandate_check *c, const char *where, const struct milestone *m)
{
	if ((m->by != NULL) + (m->from != NULL) + (m->at != NULL) > 1)
		complain(c->messages, c->file, where, "give one of by, from and at");
	if ((m->duty == DUTY_REMOVE_BY || m->duty == DUTY_BEGIN_BY) && m->from)
		complain(c->messages, c->file, where, "duty %s has a last day: by or at",
			 duty_name(m->duty));
	if ((m->duty == DUTY_NO_USE_FROM || m->duty == DUTY_NO_INSTALL_FROM ||
	     m->duty == DUTY_PROMPTLY) &&
	    m->by)
		complain(c->messages, c->file, where, "duty %s has a first day: from or at",
			 duty_name(m->duty));
}

static void check_deadline(const struct mandate_check *c, const char *where, struct milestone *m)
{
	const char *const day = m->by ? m->by : m->from;
	const struct instant utc = m->utc ? instant_parse(text_of(m->utc)) : (struct instant){ 0 };
	struct instant ignored;
	char computed[INSTANT_TEXT_SIZE];

	check_form(c, where, m);
	if (day && !is_day(day, &ignored))
		complain(c->messages, c->file, where, "'%s' is no day (YYYY-MM-DD)", day);
	m->deadline = compute_deadline(m, c->zone);
	if (m->at && (!instant_is_set(m->deadline) || m->deadline.zone == ZONE_LOCAL)) {
		complain(c->messages, c->file, where, "'%s' is no RFC 3339 time with zone", m->at);
		m->deadline = (struct instant){ 0 };
	}
	if (m->utc && (!instant_is_set(utc) || utc.zone == ZONE_LOCAL))
		complain(c->messages, c->file, where, "'%s' is no UTC time", m->utc);
	else if (m->utc && !day && !m->at)
		complain(c->messages, c->file, where, "utc without a day");
	else if (m->utc && instant_is_set(m->deadline) && m->deadline.ticks != utc.ticks)
		complain(c->messages, c->file, where, "utc is %s, but %s at %s gives %s", m->utc,
			 day ? day : m->at, c->mandate->seat,
			 ticks_format(m->deadline.ticks, computed));
	if (!m->utc && (day || m->at))
		complain(c->messages, c->file, where, "utc is not given");
	if (!c->zone && day && m->utc && instant_is_set(utc)) {
		m->deadline = utc;
		m->deadline.precision = TICKS_PER_DAY;
	}
}

static void check_milestones(const struct mandate_check *c)
{
	struct mandate *mandate = c->mandate;

	if (mandate->n_milestones == 0)
		complain(c->messages, c->file, "milestones", "there is none");
	for (unsigned i = 0; i < mandate->n_milestones; i++) {
		struct milestone *m = &mandate->milestones[i];
		char where[80];

		snprintf(where, sizeof(where), "milestones[%u]", i);
		if (!id_is_well_formed(m->id) || strchr(m->id, '.'))
			complain(c->messages, c->file, where, "malformed id '%s'", m->id);
		for (unsigned k = 0; k < i; k++)
			if (strcmp(mandate->milestones[k].id, m->id) == 0)
				complain(c->messages, c->file, where, "duplicate id '%s'", m->id);
		complain_sources(c->messages, c->file, where, c->mandate->sources,
				 c->mandate->n_sources, m->sources, m->n_sources);
		check_deadline(c, where, m);
	}
}

static bool vendor_known(const struct signature_set *set, const char *vendor)
{
	for (size_t i = 0; i < set->n_products; i++)
		if (strcmp(set->products[i].vendor, vendor) == 0)
			return true;
	return false;
}

static void check_products(const struct mandate_check *c, const char *list, const char **ids,
			   unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (signature_find_product(c->set, ids[i]) == SIGNATURE_NONE) {
			char where[80];

			snprintf(where, sizeof(where), "scope/%s[%u]", list, i);
			complain(c->messages, c->file, where, "unknown product '%s'", ids[i]);
		}
}

static void check_scope(const struct mandate_check *c)
{
	const struct scope *scope = &c->mandate->scope;

	if (scope->n_vendors == 0 && scope->n_products == 0)
		complain(c->messages, c->file, "scope", "names no vendor and no product");
	for (unsigned i = 0; c->set && i < scope->n_vendors; i++)
		if (!vendor_known(c->set, scope->vendors[i])) {
			char where[80];

			snprintf(where, sizeof(where), "scope/vendors[%u]", i);
			complain(c->messages, c->file, where, "unknown vendor '%s'",
				 scope->vendors[i]);
		}
	if (c->set) {
		check_products(c, "products", scope->products, scope->n_products);
		check_products(c, "except_products", scope->except_products,
			       scope->n_except_products);
	}
}

static void check_predicates(const struct mandate_check *c, const char *list,
			     const struct predicate *predicates, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		char where[80];

		snprintf(where, sizeof(where), "applies/%s[%u]", list, i);
		if (!id_is_well_formed(predicates[i].attribute))
			complain(c->messages, c->file, where, "malformed attribute '%s'",
				 predicates[i].attribute);
		if (predicates[i].n_is == 0)
			complain(c->messages, c->file, where, "no value is given");
	}
}

static void check_mandate(const struct mandate_check *c)
{
	const struct mandate *mandate = c->mandate;
	struct instant day;

	if (!id_is_well_formed(mandate->id))
		complain(c->messages, c->file, "id", "malformed id '%s'", mandate->id);
	if (!is_day(mandate->issued, &day))
		complain(c->messages, c->file, "issued", "'%s' is no day (YYYY-MM-DD)",
			 mandate->issued);
	check_predicates(c, "all", mandate->all, mandate->n_all);
	check_predicates(c, "except", mandate->except, mandate->n_except);
	check_scope(c);
	check_milestones(c);
}

/* NULL when the machine has no such zone, which is complained about only without utc. */
static struct zone *load_seat(const struct mandate *mandate, const struct yaml_file *file,
			      struct messages *m)
{
	struct failure why = FAILURE_NONE;
	struct zone *zone = NULL;

	if (zone_load(mandate->seat, NULL, &zone, &why) == STATUS_OK)
		return zone;
	for (unsigned i = 0; i < mandate->n_milestones; i++)
		if ((mandate->milestones[i].by || mandate->milestones[i].from) &&
		    !mandate->milestones[i].utc) {
			complain(m, file, "seat", "%s", why.text);
			return NULL;
		}
	if (why.status == ERR_FORMAT)
		complain(m, file, "seat", "%s", why.text);
	return NULL;
}

void mandate_set_free(struct mandate_set *set)
{
	struct loaded_mandates *loaded = (struct loaded_mandates *)set;

	if (!loaded)
		return;
	for (size_t i = 0; i < loaded->n_files; i++) {
		if (loaded->loaded)
			yaml_file_unload(&mandate_schema, loaded->loaded[i]);
		if (loaded->zone_sources)
			free(loaded->zone_sources[i]);
	}
	free(loaded->loaded);
	free(loaded->zone_sources);
	free(loaded->mandates);
	yaml_files_free(loaded->files, loaded->n_files);
	free(loaded);
}

static int compare_mandates(const void *a, const void *b)
{
	return strcmp(((const struct mandate *)a)->id, ((const struct mandate *)b)->id);
}

static void take_mandate(struct loaded_mandates *s, size_t i, const struct signature_set *set,
			 struct messages *m)
{
	struct mandate_file *file = s->loaded[i];
	struct mandate *mandate = &s->mandates[s->set.n_mandates++];

	if (strcmp(file->schema, "avouch.mandate/1") != 0)
		complain(m, &s->files[i], "schema", "is not avouch.mandate/1");
	*mandate = file->mandate;
	mandate->all = file->applies.all;
	mandate->n_all = file->applies.n_all;
	mandate->except = file->applies.except;
	mandate->n_except = file->applies.n_except;
	mandate->file = s->files[i].path;
	CLEANUP(zone_free_p) struct zone *zone = load_seat(mandate, &s->files[i], m);

	if (zone)
		s->zone_sources[i] = strdup(zone_source(zone));
	mandate->zone_source =
		s->zone_sources[i] ? s->zone_sources[i] : "none: the times in UTC stand as written";
	for (size_t k = 0; k + 1 < s->set.n_mandates; k++)
		if (strcmp(s->mandates[k].id, mandate->id) == 0)
			complain(m, &s->files[i], "id", "duplicate id '%s'", mandate->id);
	const struct mandate_check check = { m, &s->files[i], mandate, set, zone };

	check_mandate(&check);
}

static enum status load_mandates(const char *path, const struct signature_set *set,
				 struct messages *m, struct loaded_mandates *s, struct failure *why)
{
	enum status status = yaml_files_read_kind(path, "mandates", &s->files, &s->n_files, why);

	if (status < 0)
		return status;
	s->loaded = calloc(s->n_files, sizeof(struct mandate_file *));
	s->mandates = calloc(s->n_files, sizeof(*s->mandates));
	s->zone_sources = calloc(s->n_files, sizeof(char *));
	if (!s->loaded || !s->mandates || !s->zone_sources)
		return failure_set(why, ERR_NO_MEMORY, "mandates");
	for (size_t i = 0; i < s->n_files; i++) {
		s->loaded[i] = yaml_file_load(&s->files[i], &mandate_schema, m);
		if (s->loaded[i])
			take_mandate(s, i, set, m);
	}
	qsort(s->mandates, s->set.n_mandates, sizeof(*s->mandates), compare_mandates);
	s->set.mandates = s->mandates;
	return yaml_files_hash(s->files, s->n_files, s->set.sha256, why);
}

enum status mandate_set_load_lenient(const char *path, const struct signature_set *set,
				     struct messages *m, struct mandate_set **ret,
				     struct failure *why)
{
	struct loaded_mandates *s = calloc(1, sizeof(*s));

	if (!s)
		return failure_set(why, ERR_NO_MEMORY, "mandates");
	const enum status status = load_mandates(path, set, m, s, why);

	if (status < 0)
		mandate_set_free(&s->set);
	else
		*ret = &s->set;
	return status;
}

enum status mandate_set_load(const char *path, const struct signature_set *set,
			     struct mandate_set **ret, struct failure *why)
{
	CLEANUP(mandate_set_free_p) struct mandate_set *acts = NULL;
	struct messages m;
	enum status status = messages_open(&m, why);

	if (status < 0)
		return status;
	status = mandate_set_load_lenient(path, set, &m, &acts, why);
	messages_close(&m);
	if (status == STATUS_OK)
		status = messages_failure(&m, why);
	free(m.text);
	if (status < 0)
		return status;
	*ret = acts;
	acts = NULL;
	return STATUS_OK;
}

const struct mandate *mandate_find(const struct mandate_set *set, const char *id)
{
	for (size_t i = 0; i < set->n_mandates; i++)
		if (strcasecmp(set->mandates[i].id, id) == 0)
			return &set->mandates[i];
	return NULL;
}

const struct milestone *mandate_find_milestone(const struct mandate *mandate, const char *id)
{
	for (unsigned i = 0; i < mandate->n_milestones; i++)
		if (strcasecmp(mandate->milestones[i].id, id) == 0)
			return &mandate->milestones[i];
	return NULL;
}

enum status mandate_deadline(const struct mandate *mandate, const char *text, struct instant *ret,
			     struct failure *why)
{
	struct instant parsed = instant_parse(text_of(text));
	CLEANUP(zone_free_p) struct zone *zone = NULL;

	if (!instant_is_set(parsed))
		return failure_set(why, ERR_FORMAT,
				   "'%s' is neither YYYY-MM-DD nor an RFC 3339 time", text);
	if (parsed.zone != ZONE_LOCAL) {
		parsed.zone = ZONE_UTC;
		*ret = parsed;
		return STATUS_OK;
	}
	if (strlen(text) != 10)
		return failure_set(why, ERR_FORMAT, "'%s' has no zone (Z or +hh:mm)", text);
	const enum status status = zone_load(mandate->seat, NULL, &zone, why);

	if (status != STATUS_OK)
		return status < 0 ? status
				  : failure_set(why, ERR_FORMAT, "no zone %s", mandate->seat);
	*ret = day_start(zone, parsed, 1);
	return STATUS_OK;
}

static enum answer predicate_holds(const struct predicate *predicate,
				   const struct attribute *attributes, size_t n)
{
	bool given = false;

	for (size_t i = 0; i < n; i++) {
		if (strcasecmp(attributes[i].key, predicate->attribute) != 0)
			continue;
		given = true;
		for (unsigned k = 0; k < predicate->n_is; k++)
			if (text_equal_folded(text_of(attributes[i].value),
					      text_of(predicate->is[k])))
				return ANSWER_YES;
	}
	return given ? ANSWER_NO : ANSWER_UNKNOWN;
}

enum answer mandate_applies(const struct mandate *mandate, const struct attribute *attributes,
			    size_t n_attributes)
{
	enum answer answer = ANSWER_YES;

	for (unsigned i = 0; i < mandate->n_all; i++) {
		const enum answer holds =
			predicate_holds(&mandate->all[i], attributes, n_attributes);

		if (holds == ANSWER_NO)
			return ANSWER_NO;
		if (holds == ANSWER_UNKNOWN)
			answer = ANSWER_UNKNOWN;
	}
	/* An exception nobody claimed does not make the answer unknown: it is claimed by naming it.
	 */
	for (unsigned i = 0; i < mandate->n_except; i++)
		if (predicate_holds(&mandate->except[i], attributes, n_attributes) == ANSWER_YES)
			return ANSWER_NO;
	return answer;
}

static bool named(const char **names, unsigned n, const char *name)
{
	for (unsigned i = 0; i < n; i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return false;
}

static bool kind_meant(const struct scope *scope, enum product_kind kind)
{
	for (unsigned i = 0; i < scope->n_kinds; i++)
		if (scope->kinds[i] == kind)
			return true;
	return scope->n_kinds == 0;
}

enum answer mandate_covers(const struct mandate *mandate, const struct product *product)
{
	const struct scope *scope = &mandate->scope;

	if (named(scope->except_products, scope->n_except_products, product->id))
		return ANSWER_NO;
	if (!named(scope->products, scope->n_products, product->id) &&
	    !(named(scope->vendors, scope->n_vendors, product->vendor) &&
	      kind_meant(scope, product->kind)))
		return ANSWER_NO;
	if (product->distribution == DISTRIBUTION_BRANDED || scope->embedded == ANSWER_YES)
		return ANSWER_YES;
	if (product->distribution == DISTRIBUTION_EMBEDDED)
		return scope->embedded;
	return ANSWER_UNKNOWN;
}
