/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVOUCH_ANALYZER_MATCH_SIGNATURES_H
#define AVOUCH_ANALYZER_MATCH_SIGNATURES_H

#include "parsers/base/arena.h"
#include "parsers/base/failure.h"
#include "parsers/trace.h"

/*
 * What identifies products, as the YAML files under signatures/products say it (their form:
 * signatures/schema/product.yaml). A set is read once, never changes and owns all its texts.
 */

enum product_kind {
	KIND_PROTECTION = 0,
	KIND_AGENT,
	KIND_VPN,
	KIND_MANAGEMENT,
	KIND_TOOL, /* run, not installed */
	KIND_PASSWORD_MANAGER,
	KIND_PARENTAL,
	KIND_BACKUP,
};
const char *product_kind_name(enum product_kind kind); /* "protection", ... */

enum distribution {
	DISTRIBUTION_BRANDED = 0,
	DISTRIBUTION_EMBEDDED, /* an engine inside another vendor's product */
	DISTRIBUTION_UNKNOWN,  /* parts found that may belong to either */
};
const char *distribution_name(enum distribution distribution);

/* How well a fact is founded. RECALL: no source found. */
enum confidence { CONFIDENCE_RECALL = 0, CONFIDENCE_LOW, CONFIDENCE_MEDIUM, CONFIDENCE_HIGH };
const char *confidence_name(enum confidence confidence);

/* What a component is to its product. */
enum role {
	ROLE_PROTECTION = 0, /* the essential parts: protecting (or main) service and its program */
	ROLE_REGISTRATION,   /* the installer's own record: Uninstall entry, MSI product, name */
	ROLE_LOADS,          /* driver, filter, provider, helper service: would load on its own */
	ROLE_KEY,            /* the product's registry branch */
	ROLE_PROGRAM,        /* program folder and other program files */
	ROLE_DATA,           /* data root, logs, quarantine */
	ROLE_ACTIVITY,       /* event channel or provider: each record proves it was alive */
	ROLE_INSTALLER,      /* setup program or package */
	ROLE_REMOVER,        /* removal tool */
	ROLE_COMPANION,      /* shortcuts, extensions, certificate, tasks: only noted */
	ROLE_COUNT,
};
const char *role_name(enum role role);

/*
 * One way to recognise a component: all conditions that are not NULL must hold among the values
 * of one trace. A condition that begins with '!' holds when no value of its aspect fits.
 */
struct alternative {
	const char *conditions[ASPECT_COUNT]; /* patterns as written; NULL: not asked */
};

struct component {
	const char *id; /* unique in its product */
	enum role role;
	/*
	 * Other families have the same part: a match supports a product that some unshared match
	 * has identified on the system, and identifies none by itself. While another product that
	 * has the part too is installed, it is no residue of this one. See signature_hit_counts().
	 */
	bool shared;
	enum confidence confidence;
	const char **sources; /* tags */
	unsigned n_sources;
	struct alternative *alternatives;
	unsigned n_alternatives;
};

/* What a registry value of a product says. */
enum fact_meaning {
	FACT_INSTALLED_AT = 0,
	FACT_LAST_START,
	FACT_LAST_UPDATE,
	FACT_ALIVE_AT,
	FACT_ACCEPTED_AT, /* the licence was accepted */
	FACT_PRODUCT_CODE,
	FACT_VERSION,
	FACT_PRODUCT_NAME,
	FACT_INSTALL_FOLDER,
};
const char *fact_meaning_name(enum fact_meaning meaning);

enum fact_encoding {
	ENCODING_TEXT = 0,
	ENCODING_UNIX,     /* seconds since 1970, UTC */
	ENCODING_FILETIME, /* as integer or 8 bytes */
	ENCODING_AUTO,     /* UNIX or FILETIME by magnitude (below 2^33 it is UNIX) */
	ENCODING_TEXT_DMY, /* "dd-MM-yyyy HH-mm-ss", UTC */
};
const char *fact_encoding_name(enum fact_encoding encoding);

struct fact {
	const char *key;   /* key pattern */
	const char *value; /* value name, compared case folded */
	enum fact_meaning is;
	enum fact_encoding encoding;
	enum confidence confidence;
	const char **sources;
	unsigned n_sources;
};

/* A Windows Installer product or upgrade code. */
struct installer_code {
	const char *code;    /* "{...}", upper case */
	const char *packed;  /* 32 digits as in key names; NULL: not given (lint compares) */
	const char *version; /* NULL: not known */
	enum confidence confidence;
	const char **sources;
	unsigned n_sources;
};

/* A short tag and the full citation it stands for. */
struct citation {
	const char *tag, *cite;
};

struct product {
	const char *id;          /* lower case, unique: "vendor-endpoint-security" */
	const char *vendor;      /* the key that mandates use: "vendor" */
	const char *vendor_name; /* "Vendor" */
	const char *name;
	enum product_kind kind;
	enum distribution distribution;
	/* Speaks only where no other product of this vendor is identified on the system. */
	bool fallback;
	unsigned platforms; /* bits PLATFORM_* */
	struct citation *sources;
	unsigned n_sources;
	/*
	 * As written, then up to two made from the codes: "product-code" (role registration) and
	 * "upgrade-code" (role companion, shared: families have been seen to share one).
	 */
	struct component *components;
	unsigned n_components;
	struct fact *facts;
	unsigned n_facts;
	struct installer_code *product_codes;
	unsigned n_product_codes;
	struct installer_code *upgrade_codes;
	unsigned n_upgrade_codes;
	const char *file; /* path of the YAML file */
};

enum { PLATFORM_WINDOWS = 1, PLATFORM_LINUX = 2, PLATFORM_MACOS = 4 };

struct signature_set {
	const struct product *products; /* sorted by id */
	size_t n_products;
	char sha256[65];        /* over the files' names below the folder and contents, sorted */
	char wanted_sha256[65]; /* over all path and key patterns: which files and keys were asked
				   for */
};

/* Messages of lint, one per line "file:line: message", in order. Owned. */
struct lint_report {
	char *text; /* NUL ended; "" when there is nothing to say */
	size_t n_messages;
};
void lint_report_clear(struct lint_report *report);

/*
 * Reads all *.yaml below folder (its products/ subfolder if it has one). ERR_IO when it cannot be
 * read or holds none, ERR_FORMAT when a file does not lint (why names the first place, file:line).
 * The caller frees with signature_set_free().
 */
MUST_USE enum status signature_set_load(const char *folder, struct signature_set **ret,
					struct failure *why);
void signature_set_free(struct signature_set *set);
DEFINE_CLEANUP(struct signature_set *, signature_set_free, signature_set_free_p)

/*
 * Checks all product files below folder and, when mandates is not NULL, all mandate files below
 * that folder (or that one file): syntax, schema, unknown ids and source tags, duplicate ids and
 * codes, patterns that do not compile, malformed codes, impossible dates, deadlines that disagree
 * with the zone rules. STATUS_OK when nothing was found, ERR_FORMAT otherwise.
 */
MUST_USE enum status signatures_lint(const char *folder, const char *mandates,
				     struct lint_report *ret, struct failure *why);

/* Index of a product by id, or SIGNATURE_NONE. */
#define SIGNATURE_NONE SIZE_MAX
size_t signature_find_product(const struct signature_set *set, const char *id);

/* The YAML text a set was read from, for show commands: the file is read again. In the arena. */
MUST_USE enum status signature_read_source(const struct product *product, struct arena *arena,
					   struct text *ret, struct failure *why);

/*
 * Whether a match of a component counts for its product, given which products have been
 * identified on the system by unshared matches (identified[i], for all products; matches of
 * fallback products identify nothing). Shared components count for identified products only, those
 * of a fallback product only when no other product of its vendor is identified.
 */
bool signature_hit_counts(const struct signature_set *set, size_t product, size_t component,
			  const bool *identified);

#endif
