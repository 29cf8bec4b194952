/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVOUCH_PARSERS_REGISTRY_HIVE_H
#define AVOUCH_PARSERS_REGISTRY_HIVE_H

#include "parsers/parser.h"

/*
 * A registry hive as hive parsers see it: the primary file with its transaction logs applied,
 * live keys through libregf, deleted keys and values recovered from free cells and slack. Live and
 * deleted keys are visited the same way; a key says which it is.
 */
struct hive;

/* Opens a hive over a source (logs among its companions); borrows ctx for notes and memory. */
MUST_USE enum status hive_open(struct parse_context *ctx, const struct source *source,
			       struct hive **ret, struct failure *why);
void hive_close(struct hive *hive);
DEFINE_CLEANUP(struct hive *, hive_close, hive_close_p)

/* The source the hive was opened from. */
const struct source *hive_source(const struct hive *hive);

enum registry_type { /* MS-RRP 3.1.1.5 */
	REGISTRY_NONE = 0,
	REGISTRY_SZ = 1,
	REGISTRY_EXPAND_SZ = 2,
	REGISTRY_BINARY = 3,
	REGISTRY_DWORD = 4,
	REGISTRY_DWORD_BE = 5,
	REGISTRY_LINK = 6,
	REGISTRY_MULTI_SZ = 7,
	REGISTRY_QWORD = 11,
};

/* One value of a key; borrowed from the hive. */
struct hive_value {
	struct text name; /* empty for the default value */
	uint32_t type;    /* as found; enum registry_type for the known ones */
	struct span data; /* raw */
	uint64_t offset, size; /* of the vk cell in the file named by companion */
	unsigned companion;
	enum recovery recovery;
};

/* One key, live or recovered. Borrowed until the visit returns. */
struct hive_key {
	struct text path; /* below the hive's root, '\\' separated, spelt as found; root is "" */
	struct text name; /* last component */
	struct instant last_written;
	enum recovery recovery;
	/* Where its nk cell stands: bytes in the file named by companion (0 primary, n a log). */
	uint64_t offset, size;
	unsigned companion;
	const struct hive_value *values;
	size_t n_values;
	bool whole; /* false when some of its values or its lists could not be read */
	/* A recovered key whose parents are gone has the path "<unknown>\\name". One that is live
	 * but holds deleted values comes once more with these alone, RECOVERY_SLACK, superseded and
	 * without a time. LOG_EARLIER keys stood in the primary file or in a log entry and are gone
	 * from the hive as replayed.
	 * For a recovered key: whether all parents were verified; whether a live key of this path
	 * exists (then it is an earlier state, no proof of deletion); and the container rule's
	 * fact: last-written of the live parent of the same incarnation, unset when none. */
	bool path_sure;
	bool superseded;
	struct instant container_last_written;
	uint32_t container_cell; /* of that parent, for hive_container(); unset when the time is */
	/* For a live key: its parent's last-written time. */
	struct instant parent_last_written;
};

typedef enum status (*hive_visitor)(struct parse_context *ctx, struct hive *hive,
				    const struct hive_key *key, void *payload,
				    struct failure *why);

/*
 * Calls visit for every key, live ones first (in the order of the hive) and then recovered ones
 * (by offset), whose path fits the pattern: components separated by '\\', case folded, '*' and '?'
 * inside a component, a last component "**" for everything below (not the key itself). Examples:
 * "Microsoft\\Windows\\CurrentVersion\\Uninstall\\*", "ControlSet???\\Services\\*".
 * STATUS_END when nothing fits. A negative status from visit stops and is returned;
 * STATUS_DECLINED leaves out what stands below a live key.
 */
enum status hive_visit(struct parse_context *ctx, struct hive *hive, const char *pattern,
		       hive_visitor visit, void *payload, struct failure *why);

/* One live key by path; STATUS_END when there is none. What *ret points to lives with the hive. */
enum status hive_find(struct parse_context *ctx, struct hive *hive, const char *path,
		      struct hive_key *ret, struct failure *why);

/*
 * The live parent that bounds a recovered key (container_cell), to be cited: fills path, time and
 * place of *ret. False when the key has none, or when it was asked for before.
 */
bool hive_container(struct parse_context *ctx, const struct hive *hive, const struct hive_key *key,
		    struct hive_key *ret);

/* A value by name (case folded, "" is the default value); NULL when the key has none. */
const struct hive_value *key_value(const struct hive_key *key, const char *name);

/* Text of SZ, EXPAND_SZ or the first of MULTI_SZ; {NULL, 0} when NULL or of another type. */
struct text hive_value_text(struct parse_context *ctx, const struct hive_value *value);
/* DWORD, QWORD, DWORD_BE; false when NULL or of another type or size. */
bool hive_value_number(const struct hive_value *value, uint64_t *ret);
/* A FILETIME stored as 8 bytes of BINARY or as QWORD; UNSET otherwise. */
struct instant hive_value_filetime(const struct hive_value *value);

/* The origin of a trace that stands in a key's cell, or in a value's. */
struct origin key_origin(struct parse_context *ctx, const struct hive_key *key);
struct origin value_origin(struct parse_context *ctx, const struct hive_key *key,
			   const struct hive_value *value);

/* How the hive is reached by its file name: "HKLM/SOFTWARE", "HKLM/SYSTEM", "HKCU", ... */
const char *hive_root(const struct hive *hive);

/*
 * The key as signatures name it: "HKLM/SOFTWARE/...", '/' separators, a WOW6432Node component
 * dropped, ControlSet00n as CurrentControlSet.
 */
struct text key_aspect(struct parse_context *ctx, const struct hive *hive, struct text path);

#endif
