/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVOUCH_ANALYZER_CASEFILE_CASE_H
#define AVOUCH_ANALYZER_CASEFILE_CASE_H

#include "parsers/base/arena.h"
#include "parsers/base/failure.h"
#include "parsers/parser.h"

/*
 * The case: one SQLite file that holds everything found in one computer's evidence. Collecting
 * writes it, committed per source, so that a killed run leaves what was finished; judging and
 * reporting read it and never need the image. Ids are small integers given by the case, in the
 * order things are added by a fixed survey, so equal runs give equal ids.
 */
struct case_file;

/* How much of something was read. */
enum reading {
	READING_PENDING = 0, /* known, not read yet */
	READING_READ,        /* found, read to its end, nothing lost */
	READING_PARTLY,      /* something was lost; absence asserts nothing */
	READING_UNREADABLE,
	READING_ENCRYPTED,
	READING_CRASHED, /* the reader died on it */
	READING_TIMED_OUT,
	READING_SKIPPED, /* not wanted (option), or above a limit */
};
/* "read", "partly-read", "unreadable", "encrypted", "crashed", "timed-out", "skipped", "pending". */
const char *reading_name(enum reading reading);

struct case_evidence {
	int64_t id;              /* 1.. */
	const char *path;        /* as given */
	const char *format;      /* "raw", "split-raw", "ewf", ... */
	uint64_t size;           /* bytes of the medium */
	const char *segments;    /* paths, '\n' separated, in order */
	const char *sha256, *md5, *sha1; /* computed over the medium; NULL: not computed */
	const char *stored_md5, *stored_sha1; /* from the container; NULL: none */
	struct instant acquired;  /* from the container's header; unset: none. LOCAL if no zone */
	const char *acquired_basis; /* "image-header", "option" or NULL */
	enum reading medium;      /* all of it, for the digests; pending: not asked for */
	const char *unreadable;   /* ranges "offset+size", '\n' separated; NULL: none */
};

/* Whether its digests were asked for and could not be computed. */
static inline bool case_medium_failed(const struct case_evidence *e)
{
	return e->medium != READING_PENDING && e->medium != READING_READ;
}

struct case_volume {
	int64_t id, evidence;
	uint64_t offset, size;   /* bytes on the medium */
	const char *filesystem;  /* "ntfs", "fat32", ...; NULL unknown */
	const char *label;       /* NULL: none */
	struct instant snapshot_created; /* unset: the live volume */
	const char *snapshot_id; /* GUID of the shadow copy; NULL: live */
	int64_t snapshot_of;     /* id of the live volume; 0 for a live one */
	uint32_t logical;        /* n-th logical volume (LVM) in this part of the medium; 0: none */
	enum reading reading;    /* of its file system's metadata */
};

struct case_source {
	int64_t id, volume;
	const char *path;       /* in the volume */
	const char *reader;     /* parser names joined with ',', or "filesystem" */
	uint64_t size;          /* bytes */
	uint64_t entry, sequence; /* MFT entry and sequence, or inode and 0 */
	bool deleted;           /* a deleted file whose content still stands */
	enum reading reading;
};

/* More of where a trace stands than its origin says. */
struct case_place {
	const char *file; /* path in the volume; NULL: the source itself */
	uint64_t entry, sequence; /* of that file */
	const char *attribute; /* how icat names the stream, "128-4"; NULL: plain content */
	const char *sha256;    /* of the origin's bytes; NULL when it names none */
};

/* A trace as it stands in the case. */
struct case_trace {
	int64_t id, source;
	struct trace trace;  /* type, origin (address), recovery, values: in the arena */
	struct case_place place;
};

struct case_coverage {
	int64_t source;
	const char *recorder; /* "event log Application", "usn-journal", ... */
	struct instant from, to; /* unset: unknown */
};

struct case_problem {
	int64_t source;  /* 0: none in particular */
	int64_t volume;  /* 0: none in particular */
	const char *where; /* evidence, volume or path; never NULL */
	const char *what;
	uint64_t offset; /* FAILURE_NO_OFFSET: none */
	bool lost;       /* something could not be read (false: an anomaly only) */
};

/* Facts about the run itself: tool version, options, hashes; free keys, text values. */
struct case_fact {
	const char *key, *value;
};

/* All of a case, in id order, in one arena. */
struct case_contents {
	const struct case_evidence *evidence;
	size_t n_evidence;
	const struct case_volume *volumes;
	size_t n_volumes;
	const struct case_source *sources;
	size_t n_sources;
	const struct case_trace *traces; /* ordered by source, then by id */
	size_t n_traces;
	const struct case_coverage *coverage;
	size_t n_coverage;
	const struct case_problem *problems;
	size_t n_problems;
	const struct case_fact *facts;
	size_t n_facts;
};

/* Creates a new case; ERR_IO when the path exists (says so) or cannot be written. */
MUST_USE enum status case_create(const char *path, struct case_file **ret, struct failure *why);
/* Opens an existing case; checks application id and schema version. */
MUST_USE enum status case_open(const char *path, bool writable, struct case_file **ret,
			       struct failure *why);
/*
 * Removes an existing case, to make room for a new one; STATUS_END when nothing is there. What is
 * no case (evidence named by mistake) is refused and stays.
 */
MUST_USE enum status case_remove(const char *path, struct failure *why);
void case_close(struct case_file *file);
DEFINE_CLEANUP(struct case_file *, case_close, case_close_p)

/* Adds a row; gives its id through the struct's id where it has one. */
MUST_USE enum status case_add_evidence(struct case_file *file, struct case_evidence *row,
				       struct failure *why);
MUST_USE enum status case_add_volume(struct case_file *file, struct case_volume *row,
				     struct failure *why);
MUST_USE enum status case_add_source(struct case_file *file, struct case_source *row,
				     struct failure *why);
MUST_USE enum status case_add_trace(struct case_file *file, int64_t source, struct text type,
				    const struct origin *origin,
				    const struct case_place *place, enum recovery recovery,
				    struct span encoded_values, struct failure *why);
/*
 * Whether a source of the same path on the same volume or another shadow copy of it has given a
 * trace of this type that stands in equal bytes of the same recovery.
 */
MUST_USE enum status case_find_record(struct case_file *file, int64_t source, const char *path,
				      struct text type, enum recovery recovery,
				      const char *sha256, bool *ret_found, struct failure *why);
MUST_USE enum status case_add_coverage(struct case_file *file, const struct case_coverage *row,
				       struct failure *why);
MUST_USE enum status case_add_problem(struct case_file *file, const struct case_problem *row,
				      struct failure *why);
MUST_USE enum status case_set_fact(struct case_file *file, const char *key, const char *value,
				   struct failure *why);
/* Updates what became known later. */
MUST_USE enum status case_update_evidence(struct case_file *file, const struct case_evidence *row,
					  struct failure *why);
MUST_USE enum status case_update_volume(struct case_file *file, const struct case_volume *row,
					struct failure *why);
MUST_USE enum status case_set_reading(struct case_file *file, int64_t source, enum reading reading,
				      struct failure *why);

/* One source is one transaction. */
MUST_USE enum status case_begin(struct case_file *file, struct failure *why);
MUST_USE enum status case_commit(struct case_file *file, struct failure *why);
void case_rollback(struct case_file *file);

/*
 * Steps of an unfinished collection, so that it can be resumed: what is to be done, as the collector
 * wrote it, in order of place from 0, and whether it is done. A finished case has none.
 */
struct case_step {
	bool done;
	struct span work;
};
MUST_USE enum status case_add_step(struct case_file *file, size_t place, struct span work,
				   struct failure *why);
MUST_USE enum status case_end_step(struct case_file *file, size_t place, struct failure *why);
MUST_USE enum status case_drop_steps(struct case_file *file, struct failure *why);
MUST_USE enum status case_load_steps(struct case_file *file, struct arena *arena,
				     struct case_step **ret, size_t *ret_n, struct failure *why);

/* Reads everything into the arena. */
MUST_USE enum status case_load(struct case_file *file, struct arena *arena,
			       struct case_contents *ret, struct failure *why);

/*
 * Judgements. Each is kept whole as the avouch.report/1 document (JSON text) together with what it
 * rests on; a new one never overwrites an earlier one.
 */
struct case_judgement {
	int64_t id;
	const char *document;          /* JSON text */
	const char *tool_version, *signatures_sha256, *mandates_sha256;
	int exit_status;
};
MUST_USE enum status case_add_judgement(struct case_file *file, struct case_judgement *row,
					struct failure *why);
/* The latest when id is 0; STATUS_END when there is none. Texts in the arena. */
enum status case_find_judgement(struct case_file *file, int64_t id, struct arena *arena,
				struct case_judgement *ret, struct failure *why);

#endif
