/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVOUCH_PARSERS_REGISTRY_REGISTRY_TRACE_H
#define AVOUCH_PARSERS_REGISTRY_REGISTRY_TRACE_H

#include "parsers/registry/hive.h"

/*
 * What all parsers of registry keys share: the fields every registry trace ends with, how values
 * become fields, and where the keys of programs stand in the different hives.
 */

/* One field, for the tables of trace types. */
#define FIELD(name, kind, label)                                                                   \
	{                                                                                          \
		name, VALUE_##kind, ASPECT_NONE, ASPECT_NONE, label                                \
	}
#define FIELD_A(name, aspect, label)                                                               \
	{                                                                                          \
		name, VALUE_TEXT, ASPECT_##aspect, ASPECT_NONE, label                              \
	}

/*
 * The last fields of every registry trace type, and the end of its table. The values array of a
 * trace has the type's own fields first and room for REGISTRY_TAIL more, which emit_key fills.
 *
 * key_last_written is the last change of the key that the trace was read from: of the key, never
 * of one of its values. container_last_written stands only in recovered keys: last-written of the
 * live parent of the same incarnation, before which this key was removed. superseded is 1 when a
 * live key of the same path exists (an earlier state, no proof of deletion). path_sure is 0 when a
 * recovered key's parents could not be verified. For a deleted value of a live key the time of
 * that key is container_last_written, and key_last_written is absent. container_cell is the number of
 * the cell of the live parent, of which a trace windows.registry.container of the same source tells.
 */
enum {
	TAIL_KEY,
	TAIL_KEY_WRITTEN,
	TAIL_CONTAINER,
	TAIL_CONTAINER_CELL,
	TAIL_SUPERSEDED,
	TAIL_SURE,
	REGISTRY_TAIL,
};

#define REGISTRY_FIELDS                                                                            \
	FIELD_A("key", KEY, "Key"), FIELD("key_last_written", INSTANT, "Key last written"),        \
		FIELD("container_last_written", INSTANT, "Parent key last written"),               \
		FIELD("container_cell", UINT, "Cell of the parent key"),                           \
		FIELD("superseded", UINT, "A live key of this path exists"),                       \
		FIELD("path_sure", UINT, "Path of the key is verified"),                           \
	{                                                                                          \
		NULL, VALUE_ABSENT, ASPECT_NONE, ASPECT_NONE, NULL                                 \
	}

/* A live key that recovered ones were removed from: what bounds them, to be cited with them. */
extern const struct trace_type registry_container_type;

/*
 * Emits a trace read from a key; its place is the value's cell when value is given, else the
 * key's. Fills the tail of values. Recovery is the key's, or the value's if that is not live. The
 * live parent that bounds a recovered key is emitted with it, once.
 */
MUST_USE enum status emit_key(struct parse_context *ctx, const struct hive *hive,
			      const struct hive_key *key, const struct hive_value *value,
			      const struct trace_type *type, struct value *values,
			      struct failure *why);

/* Fields from values of a key, absent when there is no such value or it is of another type. */
struct value key_text(struct parse_context *ctx, const struct hive_key *key, const char *name);
struct value key_number(const struct hive_key *key, const char *name);
struct value key_filetime(const struct hive_key *key, const char *name);
/* Seconds since 1970 in a DWORD or QWORD. */
struct value key_unix(const struct hive_key *key, const char *name);
/* A DWORD that is signed: minutes of a time zone's bias. */
struct value key_signed(const struct hive_key *key, const char *name);
/* The bytes of a BINARY value if there are exactly size of them (any number if size is 0). */
struct value key_bytes(const struct hive_key *key, const char *name, size_t size);

/*
 * The texts of a MULTI_SZ, with the empty ones between (pending renames have such), without the
 * empty one at the end. Also takes SZ. At most capacity; returns how many there are, counting
 * further ones. Borrowed from the context's arena.
 */
size_t value_texts(struct parse_context *ctx, const struct hive_value *value, struct text *texts,
		   size_t capacity);

/* hive_visit, where "nothing fits" is no special case. */
MUST_USE enum status visit_keys(struct parse_context *ctx, struct hive *hive, const char *pattern,
				hive_visitor visit, void *payload, struct failure *why);
/*
 * Visits keys by the path they have below SOFTWARE in every place where programs put them: in a
 * SOFTWARE hive below the root and below WOW6432Node, in a user's hive below Software likewise.
 */
MUST_USE enum status visit_software(struct parse_context *ctx, struct hive *hive,
				    const char *pattern, hive_visitor visit, void *payload,
				    struct failure *why);
/* Likewise below the COM classes: SOFTWARE\Classes and its WOW6432Node, or a user's UsrClass.dat.
 */
MUST_USE enum status visit_classes(struct parse_context *ctx, struct hive *hive,
				   const char *pattern, hive_visitor visit, void *payload,
				   struct failure *why);
/* Visits keys below every control set of a SYSTEM hive: pattern "Control\\Class\\*". */
MUST_USE enum status visit_control_sets(struct parse_context *ctx, struct hive *hive,
					const char *pattern, hive_visitor visit, void *payload,
					struct failure *why);

/* One of the above for each place, until one fails. */
struct key_place {
	const char *pattern;
	hive_visitor visit;
};
typedef enum status key_walk(struct parse_context *ctx, struct hive *hive, const char *pattern,
			     hive_visitor visit, void *payload, struct failure *why);
MUST_USE enum status visit_places(key_walk *walk, struct parse_context *ctx, struct hive *hive,
				  const struct key_place *places, size_t n, void *payload,
				  struct failure *why);

/* Whose hive: "machine" hives are those under HKLM; others belong to a user. */
bool hive_is_user(const struct hive *hive);
bool hive_is_root(const struct hive *hive, const char *root);
/*
 * The folder of the user's profile ("mrios", "systemprofile"), a SID for a hive of a restore
 * point, ".DEFAULT"; absent for a machine's hive.
 */
struct value hive_user(struct parse_context *ctx, const struct hive *hive);
/* "32" below WOW6432Node, "user" in a user's hive, else "64": the native view. */
struct value key_view(const struct hive *hive, const struct hive_key *key);

/* The number of the control set a path stands in, 0 when in none. */
uint64_t control_set_number(struct text path);
/* Fields control_set and current of a key below ControlSet00n; absent when not. */
struct control_set {
	struct value number;  /* uint */
	struct value current; /* uint: 1 when Select\Current names it */
};
struct control_set control_set_of(struct parse_context *ctx, struct hive *hive,
				  const struct hive_key *key);

/* The component of a path, counted from its end (0 is the last); {NULL, 0} when there is none. */
struct text path_component_back(struct text path, size_t back);
/* The last component of a file path with '\\' or '/'. */
struct text path_last_name(struct text path);
/* The program at the start of a command line: within quotes, or up to ".exe" and the like. */
struct text command_program(struct text command);
/* Whether text ends with suffix, case folded. */
bool text_ends_folded(struct text text, const char *suffix);
bool text_starts_folded(struct text text, const char *prefix);

/*
 * Where the hives stand, on Windows 2000 to 11; in the paths of a parser, before its NULL. Copies
 * of former states (RegBack, repair, restore points of Windows XP) are read like the hives.
 */
#define RESTORE_POINT "/System Volume Information/_restore{*}/RP*/snapshot/_REGISTRY_"
#define HIVE_PATHS(name)                                                                           \
	"/Windows/System32/config/" name, "/Windows/System32/config/RegBack/" name,                \
		"/Windows/System32/config/RegBack/" name ".OLD",                                   \
		"/WINNT/System32/config/" name, "/Windows/repair/" name, "/WINNT/repair/" name,    \
		RESTORE_POINT "MACHINE_" name

#define SOFTWARE_PATHS HIVE_PATHS("SOFTWARE")
#define SYSTEM_PATHS   HIVE_PATHS("SYSTEM")
#define USER_PATHS                                                                                 \
	"/Users/*/NTUSER.DAT", "/Documents and Settings/*/NTUSER.DAT",                             \
		"/Windows/ServiceProfiles/*/NTUSER.DAT",                                           \
		"/Windows/System32/config/systemprofile/NTUSER.DAT",                               \
		RESTORE_POINT "USER_NTUSER_*", RESTORE_POINT "USER_.DEFAULT",                      \
		HIVE_PATHS("DEFAULT")
#define CLASSES_PATHS                                                                              \
	"/Users/*/AppData/Local/Microsoft/Windows/UsrClass.dat",                                   \
		"/Documents and Settings/*/Local Settings/Application Data/Microsoft/Windows/"     \
		"UsrClass.dat",                                                                    \
		RESTORE_POINT "USER_USRCLASS_*"
#define AMCACHE_PATHS "/Windows/AppCompat/Programs/Amcache.hve"

/* Lists of the above for parsers; NULL ended. */
extern const char *const software_hives[];
extern const char *const system_hives[];
extern const char *const user_hives[];
extern const char *const software_and_user_hives[];
extern const char *const classes_hives[]; /* SOFTWARE, users' hives and UsrClass.dat */
extern const char *const all_hives[];     /* those that signatures name keys of */
extern const char *const amcache_hives[];

#endif
