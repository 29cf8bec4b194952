/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVOUCH_PARSERS_PARSER_H
#define AVOUCH_PARSERS_PARSER_H

#include "parsers/base/limits.h"
#include "parsers/stream/stream.h"
#include "parsers/trace.h"

struct hive; /* parsers/registry/hive.h */

/* A further file that belongs to a source: a hive's transaction logs. */
struct companion {
	const char *path; /* in the volume */
	struct stream *stream;
};

enum { SOURCE_MAX_COMPANIONS = 4 };

/* One thing a parser can read. */
struct source {
	const char *path; /* in the volume, "/Windows/Prefetch/CMD.EXE-087B4001.pf", spelt as found */
	struct stream *stream;
	struct companion companions[SOURCE_MAX_COMPANIONS];
	size_t n_companions;
	bool deleted; /* the file itself is a deleted entry whose content still stands */
};

/*
 * The parser's only door to the world: memory, and where facts go. Filled by the driver
 * (analyzer/collect) or by a test.
 */
struct parse_context {
	struct arena *arena; /* dropped by the driver after the source */
	const struct parse_ops *ops;
	void *payload;
};

/* What the driver does; parsers use the functions below instead. */
struct parse_ops {
	enum status (*emit)(struct parse_context *ctx, const struct trace *trace,
			    struct failure *why);
	void (*note)(struct parse_context *ctx, uint64_t offset, const char *text);
	void (*lost)(struct parse_context *ctx, uint64_t offset, const char *text);
	void (*cover)(struct parse_context *ctx, const char *recorder, struct instant from,
		      struct instant to);
	bool (*wants_path)(struct parse_context *ctx, struct text path);
	bool (*wants_key)(struct parse_context *ctx, struct text key);
	bool (*wants_log)(struct parse_context *ctx, struct text channel, struct text provider);
	struct text (*folder_path)(struct parse_context *ctx, uint64_t reference);
};

/* Hands a trace on. A negative status means stop (cancelled, limit): return it. */
MUST_USE enum status emit(struct parse_context *ctx, const struct trace *trace,
			  struct failure *why);

/* An anomaly worth telling that lost nothing. offset in the source or FAILURE_NO_OFFSET. */
void note(struct parse_context *ctx, uint64_t offset, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/*
 * Something in the source could not be read: the source is then `partly-read` and no absence is
 * asserted from it. Parsing goes on.
 */
void lost(struct parse_context *ctx, uint64_t offset, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* The span of time a recorder (log, journal, store of runs) reaches over; unset ends are unknown. */
void cover(struct parse_context *ctx, const char *recorder, struct instant from,
	   struct instant to);

/*
 * Whether some signature names this path, key or event log, so that a reader of a huge source
 * need not emit everything. Paths: from the volume's root with '/'. Keys: "HKLM/SOFTWARE/..."
 * with WOW6432Node and control-set numbers normalised away; true also for a key above a named one.
 * Without a driver (tests) everything is wanted.
 */
bool wants_path(struct parse_context *ctx, struct text path);
bool wants_key(struct parse_context *ctx, struct text key);
bool wants_log(struct parse_context *ctx, struct text channel, struct text provider);

/*
 * Path of a folder by its NTFS file reference (48-bit entry, 16-bit sequence on top) on the
 * volume of this source; {NULL, 0} when unknown or when the sequence no longer fits.
 */
struct text folder_path(struct parse_context *ctx, uint64_t reference);

/*
 * A parser is one file under registry/, eventlog/, windows/ or filesystem/ntfs/ that exports one of
 * these, and one line in parser_list.h.
 */
struct parser {
	const char *name;  /* "windows.prefetch": command line, fixtures, case */
	const char *title; /* "Prefetch files" */
	const char *versions; /* which systems write it: "Windows XP to 11" */
	const char *asserts;  /* one sentence for the table of sources in the docs */
	/* NULL-ended globs of file paths, case folded; '*' stays inside a name, '**' crosses '/'.
	 * A pattern is tried at the volume's root and below /Windows.old (or .old.000, .old(1)). */
	const char *const *paths;
	/* Of the files of these paths only those that some signature names: see wants_path(). */
	bool named_only;
	const struct trace_type *const *emits; /* NULL ended */
	uint64_t max_input;                    /* bytes; a larger file is ERR_LIMIT */
	/* Each part of such a file proves itself by a checksum: what is left of a deleted one is
	 * read even when other files have taken some of its clusters. */
	bool proves_parts;
	bool carves; /* looks through free clusters, which takes long: only when asked for */
	bool asks_folders; /* calls folder_path(): the reader that surveyed the volume has them */
	/* Exactly one is set: a file of its own format, or a registry hive already opened. */
	enum status (*parse_file)(struct parse_context *ctx, const struct source *source,
				  struct failure *why);
	enum status (*parse_hive)(struct parse_context *ctx, struct hive *hive,
				  struct failure *why);
};

/* All parsers, in the order of parser_list.h; NULL ended. */
extern const struct parser *const all_parsers[];

/* By name; NULL when there is none. */
const struct parser *parser_find(struct text name);

/* A trace type by name among all that parsers and readers emit; NULL when there is none. */
const struct trace_type *trace_type_find(struct text name);

/*
 * Whether path fits the glob: case folded, '*' and '?' inside one name, '**' over any number of
 * names.
 */
bool path_fits(const char *glob, struct text path);

#endif
