/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVOUCH_ANALYZER_JUDGE_JUDGE_H
#define AVOUCH_ANALYZER_JUDGE_JUDGE_H

#include "analyzer/casefile/case.h"
#include "analyzer/judge/bound.h"
#include "analyzer/match/mandates.h"
#include "analyzer/match/matcher.h"
#include "analyzer/match/signatures.h"

/*
 * Traces -> witnesses -> episodes -> verdicts. Judging needs the case and the signatures alone,
 * never the image; everything it makes lives in one arena.
 */

/* What a witness says of a product. */
enum assertion {
	ASSERTS_BEGIN,   /* it came to be installed */
	ASSERTS_PRESENT, /* it was there */
	ASSERTS_ATTEMPT, /* somebody set out to install or remove it; proves neither */
	ASSERTS_END,     /* it went */
	ASSERTS_ABSENT,  /* it was not there */
	ASSERTS_RESIDUE, /* something of it is left at acquisition */
};
const char *assertion_name(enum assertion assertion); /* "begin", ... */

/* Who kept the record. Witnesses of one family corroborate less than those of several. */
enum family {
	FAMILY_INSTALLER,  /* Windows Installer events and keys */
	FAMILY_SERVICES,   /* the service manager */
	FAMILY_FILESYSTEM, /* file system and its journal */
	FAMILY_EXECUTION,  /* prefetch and other run records */
	FAMILY_PRODUCT,    /* the product's own logs and keys */
	FAMILY_SYSTEM,     /* Security Center, inventory, tasks, setup logs */
	FAMILY_SNAPSHOT,   /* shadow copies */
	FAMILY_COUNT,
};
const char *family_name(enum family family);

struct witness {
	char id[15]; /* "W-" and 12 hex digits */
	/* What it stands on: a trace, or (absence from a complete reading) a source alone. */
	const struct case_trace *trace; /* NULL for an absence */
	/* The key or folder whose own time bounds it (container rule); NULL: none, or not known. */
	const struct case_trace *container;
	const struct case_source *source;
	size_t system;
	size_t product;               /* index into signatures */
	const struct component *component; /* NULL for facts and absence */
	enum role role;
	enum assertion assertion;
	enum family family;
	struct bound when;
	struct text text;      /* one sentence, printable */
	struct text code;      /* product code it speaks of; {NULL, 0}: none */
	bool at_acquisition;   /* state as found, not an event */
	bool whole_act;        /* its time was written by the act itself */
	bool by_container;     /* its not_after is the time of the container */
	bool component_only;   /* an end of one file, key or version, not of the installation as such */
	bool use;              /* proves the product ran or worked then */
	const char *qualified; /* why it never decides alone; NULL: it may */
	bool clock_suspect;    /* its time was widened for a doubtful clock */
	bool weak;             /* confidence below medium, or one weak aspect */
	bool ambiguous;        /* of a shared part, and another product here has it too */
};

struct episode {
	struct text name, version; /* as its registration last said; {NULL, 0} unknown */
	struct bound installed;
	bool removed; /* false: still there at acquisition as far as seen */
	struct bound removal;
	/* Witnesses that set the ends, and all of the episode (indices into judgement.witnesses). */
	size_t installed_by[2], removed_by[2]; /* [0] not_before, [1] not_after; NO_WITNESS */
	bool restart_pending; /* files waited for a restart after the removal */
	int64_t act;          /* the installer's own time of the removal, or 0 */
	size_t first, last;   /* range in judgement.members */
	const char *qualified[8];
	size_t n_qualified;
};

#define NO_WITNESS SIZE_MAX

enum product_state { STATE_ABSENT, STATE_RESIDUE, STATE_INSTALLED, STATE_UNKNOWN };
const char *product_state_name(enum product_state state);

/* One product on one system. */
struct product_history {
	size_t system, product;
	enum product_state state;
	bool residue_counts; /* something left would still load */
	const struct episode *episodes;
	size_t n_episodes;
	const size_t *residue; /* witnesses */
	size_t n_residue;
	const size_t *loads; /* those of them that would still load */
	size_t n_loads;
	bool proved; /* an essential witness says it was installed at some time */
	bool tentative; /* only signatures of low confidence know it: its stays decide nothing */
	bool named;  /* something is left that only the product itself brings */
};

struct zone_rules; /* how local times of a system become UTC */

struct system {
	int64_t volume;
	const char *root; /* "" or "/Windows.old" */
	char drive;       /* lower case letter of its drive, as it sees it itself */
	struct text os, version, hostname, timezone, installation_type;
	int64_t installed_at;  /* UTC ticks; 0 unknown */
	int64_t last_activity; /* UTC ticks; 0 unknown */
	int64_t last_reading;  /* the latest that any recorder gives, agreed or not; 0 unknown */
	bool several_recorders; /* of more than one kind */
	bool ran_ahead;        /* a recorder ends after the acquisition: it ran until when, is open */
	bool hives_whole;      /* SOFTWARE and SYSTEM were read to their ends */
	bool files_whole;      /* the file system's metadata was */
	bool hives_found;
	int64_t coverage_from; /* oldest record of any log or journal; 0 none */
	int64_t coverage_to;
	bool logs_stand;       /* some event log of it is a live file */
	const struct case_trace *logs_cleared_by; /* the latest clearing of a log; NULL: none */
	int64_t logs_cleared_at;                  /* UTC ticks */
	size_t n_partly_read;             /* live sources that could not be read to their ends */
	const struct case_source *partly_read; /* the first of them */
	const struct case_source *software, *system; /* the live hives; NULL when not found */
	struct zone_rules *zone;
};

/* What shows that a clock, or a record's time, is not to be trusted. */
enum doubt_kind {
	DOUBT_TIME_CHANGE,  /* a log records that the clock was moved */
	DOUBT_RECORD_ORDER, /* event record numbers rise while their times fall */
	DOUBT_USN_ORDER,    /* change journal numbers rise while their times fall */
	DOUBT_AFTER_ACQUISITION, /* the machine's own records are later than the acquisition */
	DOUBT_BEFORE_SYSTEM,     /* they are earlier than the system's installation */
	DOUBT_OLDER_STATE,  /* the registry is older than what the logs record */
	DOUBT_FILE_TIMES,   /* a file's times contradict each other */
};
/* "time-change", "record-order", "usn-order", "after-acquisition", ... */
const char *doubt_kind_name(enum doubt_kind kind);

/* A stretch of clock readings that may be off. */
struct doubt {
	enum doubt_kind kind;
	size_t system;
	int64_t from, to;       /* clock readings, UTC ticks */
	int64_t least, most;    /* what must be added to such a reading to be true lies between */
	bool unbounded_back;    /* how much earlier it was is not known */
	bool unbounded;         /* nor how much later: any time up to latest */
	int64_t latest;         /* no true time is later: the acquisition; 0 unknown */
	struct text text;       /* one sentence */
	const struct case_trace *trace; /* what shows it */
	bool of_trace;          /* concerns what rests on that trace alone, no clock */
	/*
	 * Of a clock that was set wrong and right again, both recorded: what was read meanwhile happened
	 * between these true times; both 0: not known.
	 */
	int64_t left, returned;
	const struct case_trace *const *falls; /* where logs show by their order what was read then */
	size_t n_falls;
};

/* Why a recorder says nothing, or nothing of some time. */
enum gap_kind {
	GAP_CLEARED,  /* a record says that the log was cleared */
	GAP_ROTATED,  /* earlier records were overwritten */
	GAP_ANEW,     /* numbering starts again long after the system was installed */
	GAP_ENDS,     /* the system ran on after its last record */
	GAP_DISABLED, /* a setting keeps it from recording */
	GAP_MISSING,  /* it was not found */
};
/* "cleared", "rotated", "begins-anew", "ends-early", "disabled", "missing". */
const char *gap_kind_name(enum gap_kind kind);

struct gap {
	enum gap_kind kind;
	size_t system;
	struct text recorder; /* as in the coverage */
	int64_t at;           /* when it was cleared, first or last record; 0 unknown */
	struct text text;     /* one sentence */
	const struct case_trace *trace; /* what shows it; NULL: that nothing was found */
};

enum outcome {
	OUTCOME_NOT_APPLICABLE,
	OUTCOME_NOTED,
	OUTCOME_INSTALLED_AFTER,
	OUTCOME_NOT_YET_DUE,
	OUTCOME_REINSTALLED,
	OUTCOME_NOT_REMOVED,
	OUTCOME_RESIDUE,
	OUTCOME_REMOVED_LATE,
	OUTCOME_REMOVED_IN_TIME,
	OUTCOME_NO_TRACE,
	OUTCOME_INDETERMINATE,
};
const char *outcome_name(enum outcome outcome);

/* 0 compliant, 1 non-compliant, 2 cannot say (design: exit status). */
int outcome_exit(enum outcome outcome, bool qualified, enum duty duty);

struct product_outcome {
	size_t history; /* index into judgement.histories */
	enum outcome outcome;
	const struct text *reasons;
	size_t n_reasons;
	const struct text *qualified;
	size_t n_qualified;
	const size_t *witnesses;
	size_t n_witnesses;
};

struct verdict {
	size_t system; /* NO_SYSTEM when no system was found */
	const struct mandate *mandate;
	const struct milestone *milestone;
	enum duty duty;      /* of the milestone, or remove-by when the option set a date */
	int64_t deadline;    /* UTC ticks, exclusive; 0: none */
	bool names_hour;     /* it is a time that was given, not the end or begin of a day */
	enum outcome outcome;
	bool conditional;    /* whether the act applies is not known */
	const struct product_outcome *products;
	size_t n_products;
	const struct text *qualified;
	size_t n_qualified;
	const struct text *reasons;
	size_t n_reasons;
	const size_t *witnesses;
	size_t n_witnesses;
	bool named; /* the user named the mandate: counts for the exit status */
};

#define NO_SYSTEM SIZE_MAX

struct judgement {
	const struct system *systems;
	size_t n_systems;
	const struct witness *witnesses; /* ordered: product, time, id */
	size_t n_witnesses;
	const size_t *members; /* witnesses of the episodes, see episode.first */
	size_t n_members;
	const struct product_history *histories;
	size_t n_histories;
	const struct doubt *doubts;
	size_t n_doubts;
	const struct gap *gaps;
	size_t n_gaps;
	const struct verdict *verdicts;
	size_t n_verdicts;
	int64_t acquired; /* UTC ticks; 0 unknown */
	const char *acquired_basis; /* "image-header", "option", "latest-trace" */
	const struct text *problems; /* of the judging itself: match limits, files not collected */
	size_t n_problems;
	int exit_status;
};

/* An organisation's own last day under a mandate (or one milestone of it). */
struct own_deadline {
	struct text mandate, milestone; /* milestone empty: all of the mandate */
	int64_t deadline;               /* UTC ticks, exclusive */
	bool names_hour;                /* a time, not a day, was given */
};

struct judge_options {
	const struct mandate *const *mandates;
	size_t n_mandates;
	const bool *named; /* per mandate: given with -m */
	const struct attribute *attributes;
	size_t n_attributes;
	const struct own_deadline *deadlines;
	size_t n_deadlines;
};

/* Judges a loaded case. What *ret points to lives in the arena and in what was passed in. */
MUST_USE enum status judge_run(struct arena *arena, const struct case_contents *contents,
			       const struct signature_set *signatures,
			       const struct matcher *matcher, const struct judge_options *options,
			       struct judgement *ret, struct failure *why);

#endif
