/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVOUCH_ANALYZER_MATCH_MANDATES_H
#define AVOUCH_ANALYZER_MATCH_MANDATES_H

#include "analyzer/match/signatures.h"
#include "parsers/base/instant.h"

/*
 * Orders to remove, as the YAML files under signatures/mandates say them (their form:
 * signatures/schema/mandate.yaml), or a user's own file of that form.
 */

enum duty {
	DUTY_REMOVE_BY = 0,
	DUTY_BEGIN_BY,
	DUTY_NO_USE_FROM,
	DUTY_NO_INSTALL_FROM,
	DUTY_PROMPTLY,
	DUTY_INFORMATION,
};
const char *duty_name(enum duty duty); /* "remove-by", ... */

enum answer { ANSWER_NO = 0, ANSWER_YES, ANSWER_UNKNOWN };

enum text_read { TEXT_READ_NO = 0, TEXT_READ_YES, TEXT_READ_PART };
enum mobile_scope { MOBILE_UNKNOWN = 0, MOBILE_NO, MOBILE_YES, MOBILE_ONLY };

/* attribute is one of values: three-valued, unknown when the examiner gave no such attribute. */
struct predicate {
	const char *attribute; /* "country", "sector", "classification", "device", ... */
	const char **is;
	unsigned n_is;
};

struct scope {
	const char **vendors; /* all products of these vendors, and */
	unsigned n_vendors;
	const char **products; /* these whatever their kind, but not */
	unsigned n_products;
	const char **except_products; /* these */
	unsigned n_except_products;
	enum product_kind *kinds; /* of the vendors' products only these kinds; none: all */
	unsigned n_kinds;
	enum answer embedded, services;
	enum mobile_scope mobile;
};

struct milestone {
	const char *id;
	enum duty duty;
	const char *by, *from, *at; /* as written; at most one is set */
	const char *utc;            /* as written */
	const char *text;           /* one sentence for reports */
	const char **sources;
	unsigned n_sources;
	enum confidence confidence;
	/*
	 * D, the first instant after the allowed time (by), or the first of the duty (from), in
	 * UTC, with the precision of a day (by, from) or one second (at); UNSET when the duty has
	 * no day.
	 */
	struct instant deadline;
};

struct mandate {
	const char *id; /* lower case */
	const char *title, *issuer, *country;
	const char *issued; /* YYYY-MM-DD */
	const char *seat;   /* zone name of the issuer's seat */
	bool by_default;
	enum confidence confidence;
	enum text_read text_read;
	struct citation *sources;
	unsigned n_sources;
	struct predicate *all; /* all must hold */
	unsigned n_all;
	struct predicate *except; /* none may hold */
	unsigned n_except;
	struct scope scope;
	struct milestone *milestones;
	unsigned n_milestones;
	const char *notes; /* NULL: none */
	const char *file;
	const char *zone_source; /* the TZif file its deadlines were computed from, with version */
};

struct mandate_set {
	const struct mandate *mandates; /* sorted by id */
	size_t n_mandates;
	char sha256[65]; /* over the files' names and contents, sorted */
};

/*
 * Reads all *.yaml below folder (its mandates/ subfolder if it has one), or the one file that
 * path names. set is what ids are checked against. Errors as signature_set_load(); a zone that the
 * machine has no rules for is ERR_FORMAT unless the milestone gives utc, which then stands.
 */
MUST_USE enum status mandate_set_load(const char *path, const struct signature_set *set,
				      struct mandate_set **ret, struct failure *why);
void mandate_set_free(struct mandate_set *set);
DEFINE_CLEANUP(struct mandate_set *, mandate_set_free, mandate_set_free_p)

/* By id (case does not matter); NULL when there is none. */
const struct mandate *mandate_find(const struct mandate_set *set, const char *id);
const struct milestone *mandate_find_milestone(const struct mandate *mandate, const char *id);

/*
 * The D of a day that somebody else sets (--deadline): text is YYYY-MM-DD (the end of that day at
 * the mandate's seat) or RFC 3339 (that instant). ERR_FORMAT when it is neither.
 */
MUST_USE enum status mandate_deadline(const struct mandate *mandate, const char *text,
				      struct instant *ret, struct failure *why);

/* What the examiner knows of the machine: "country=GB". */
struct attribute {
	const char *key, *value;
};

/* Whether the mandate covers the machine: three-valued over the attributes given. */
enum answer mandate_applies(const struct mandate *mandate, const struct attribute *attributes,
			    size_t n_attributes);

/*
 * Whether a product is in scope: its vendor or itself is named, its kind is one that is meant,
 * and for an embedded engine what the act says of those (UNKNOWN when it does not say, or when the
 * product's distribution is unknown and the act leaves engines out).
 */
enum answer mandate_covers(const struct mandate *mandate, const struct product *product);

#endif
