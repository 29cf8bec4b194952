/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVOUCH_PARSERS_TRACE_H
#define AVOUCH_PARSERS_TRACE_H

#include "parsers/base/arena.h"
#include "parsers/base/failure.h"
#include "parsers/base/instant.h"
#include "parsers/base/span.h"

/*
 * A trace is one typed fact that a parser read from a source, with its times and the bytes it
 * stands in. Parsers know formats, never vendors: what a field means to a signature is its aspect.
 */

enum value_kind {
	VALUE_ABSENT = 0,
	VALUE_TEXT,    /* UTF-8 */
	VALUE_UINT,    /* also flags: kept as found */
	VALUE_INT,
	VALUE_INSTANT,
	VALUE_BYTES,
};

struct value {
	enum value_kind kind;
	union {
		struct text text;
		uint64_t uint;
		int64_t sint;
		struct instant instant;
		struct span bytes;
	};
};

static inline struct value value_text(struct text text)
{
	return (struct value){ .kind = text.data ? VALUE_TEXT : VALUE_ABSENT, .text = text };
}

static inline struct value value_uint(uint64_t number)
{
	return (struct value){ .kind = VALUE_UINT, .uint = number };
}

static inline struct value value_int(int64_t number)
{
	return (struct value){ .kind = VALUE_INT, .sint = number };
}

/* An unset instant gives an absent value. */
static inline struct value value_instant(struct instant instant)
{
	return (struct value){ .kind = instant.state == INSTANT_UNSET ? VALUE_ABSENT :
									VALUE_INSTANT,
			       .instant = instant };
}

static inline struct value value_bytes(struct span bytes)
{
	return (struct value){ .kind = VALUE_BYTES, .bytes = bytes };
}

/* What a text field is, for signatures to match on. Names in YAML: aspect_name(). */
enum aspect {
	ASPECT_NONE = 0,
	ASPECT_PROGRAM,      /* displayed name of a program */
	ASPECT_PUBLISHER,
	ASPECT_PRODUCT_CODE, /* Windows Installer GUID "{...}", upper case */
	ASPECT_UPGRADE_CODE,
	ASPECT_VERSION,
	ASPECT_PATH,         /* file path; any spelling, see path_normalize() */
	ASPECT_EXECUTABLE,   /* base name of a program only */
	ASPECT_SERVICE,      /* key name of a service or driver service */
	ASPECT_SERVICE_NAME, /* displayed name of a service */
	ASPECT_DRIVER,       /* base name of a driver file */
	ASPECT_KEY,          /* registry key, "HKLM/SOFTWARE/..." */
	ASPECT_CHANNEL,      /* event log channel */
	ASPECT_PROVIDER,     /* event log provider */
	ASPECT_TASK,         /* scheduled task path */
	ASPECT_CERTIFICATE,  /* certificate subject */
	ASPECT_PACKAGE,      /* package id of a Unix package manager or macOS */
	ASPECT_FILE_PRODUCT, /* ProductName of a PE version resource */
	ASPECT_FILE_COMPANY, /* CompanyName of a PE version resource */
	ASPECT_COUNT,
};

/* "product-code" and so on; NULL for ASPECT_NONE and out of range. */
const char *aspect_name(enum aspect aspect);
/* The aspect of a name; ASPECT_NONE when there is none. */
enum aspect aspect_from_name(struct text name);

struct trace_field {
	const char *name; /* lower_case, unique in its type, never reused for another meaning */
	enum value_kind kind;
	enum aspect aspect;      /* ASPECT_NONE for most */
	enum aspect also_aspect; /* a second reading of the same text, or ASPECT_NONE */
	const char *label;       /* for people: "Last run" ; instants: what the time is */
};

/* Fields end with a NULL name. */
struct trace_type {
	const char *name;    /* "windows.prefetch.run": os, source, thing; never reused */
	/* One sentence with {field} holes, for reports and timelines; what stands in [brackets] is
	 * left out when a field in it has no value. */
	const char *message;
	const struct trace_field *fields;
};

enum { TRACE_MAX_FIELDS = 40 };

/* Whether the bytes a trace stands in are live. */
enum recovery {
	RECOVERY_ALLOCATED = 0,
	RECOVERY_DELETED,      /* freed cell, unallocated MFT entry, recovered record */
	RECOVERY_SLACK,        /* behind the used part of an allocated structure */
	RECOVERY_LOG_REPLAYED, /* taken from a transaction log, not yet in the primary file */
	RECOVERY_LOG_EARLIER,  /* an intermediate state along a transaction log */
	RECOVERY_CARVED,       /* found in free clusters, which nothing names */
	RECOVERY_COUNT,
};

/* "allocated", "deleted", "slack", "log-replayed", "log-earlier", "carved". */
const char *recovery_name(enum recovery recovery);

/* Which bytes of the source a trace stands in. */
struct origin {
	uint64_t offset, size; /* bytes in the file; size 0: no bytes can be named */
	unsigned companion;    /* 0: the source itself; n: its n-th companion file (a log) */
	struct text address;   /* the format's own address: "record 532", "key ... cell 0x1020" */
};

/* A file of the same volume; a stream of it behind ':' ("/Windows/Prefetch:$I30"). */
struct other_file {
	struct text path;
	uint64_t entry, sequence; /* MFT entry and sequence, or inode and 0 */
};

/* Everything is borrowed until the emit call returns. values[i] belongs to type->fields[i]. */
struct trace {
	const struct trace_type *type;
	struct origin origin;
	const struct other_file *file; /* where origin's bytes stand; NULL: in its companion */
	enum recovery recovery;
	const struct value *values;
};

/* Number of fields of a type (at most TRACE_MAX_FIELDS). */
size_t trace_type_fields(const struct trace_type *type);

/* The value of a field by name; a VALUE_ABSENT value when the type has no such field. */
const struct value *trace_get(const struct trace *trace, const char *field);
/* Text of a field, {NULL, 0} when absent; number or instant likewise (0 and unset). */
struct text trace_text(const struct trace *trace, const char *field);
uint64_t trace_uint(const struct trace *trace, const char *field);
struct instant trace_instant(const struct trace *trace, const char *field);

/* The message with its holes filled, printable, in the arena; data NULL without memory. */
struct text trace_message(struct arena *arena, const struct trace *trace);

/*
 * Wire form of the values, used between reader and supervisor and in the case. Encoding gives
 * bytes in the arena. Decoding checks everything (the sender may be hostile): unknown fields are
 * skipped, wrong kinds and sizes are ERR_FORMAT; texts and bytes point into the encoded span.
 */
MUST_USE enum status trace_encode(struct arena *arena, const struct trace *trace,
				  struct span *ret, struct failure *why);
MUST_USE enum status trace_decode(struct arena *arena, const struct trace_type *type,
				  struct span encoded, struct value **ret_values,
				  struct failure *why);

#endif
