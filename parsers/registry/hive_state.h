/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVOUCH_PARSERS_REGISTRY_HIVE_STATE_H
#define AVOUCH_PARSERS_REGISTRY_HIVE_STATE_H

#include "parsers/registry/hive.h"
#include "parsers/registry/hive_image.h"

/* What the files that make up a hive share; no parser includes this. */

enum { HIVE_MAX_REPORTED = 256 };

struct live_hive;      /* live.c */
struct recovered_keys; /* cells.c */

struct hive {
	const struct source *source;
	struct arena *arena; /* of the source's context */
	const char *root;
	struct hive_image image;
	struct live_hive *live;
	struct recovered_keys *recovered; /* found at the first visit; NULL before */
	/* Offsets already reported as lost, so that a second visit does not repeat them. */
	uint64_t reported[HIVE_MAX_REPORTED];
	size_t n_reported;
};

/* lost(), once for each offset of the replayed hive. */
void hive_lost(struct parse_context *ctx, struct hive *hive, uint64_t offset, const char *text);

/* Copies what a key points to into the arena. */
MUST_USE enum status hive_key_keep(struct arena *arena, struct hive_key *key, struct failure *why);

/* A pattern cut into its components. */
struct key_pattern {
	struct text *components;
	size_t n_components; /* without a final "**" */
	bool everything_below;
	bool exact; /* '*' and '?' are letters */
};

/* Cuts a pattern; components NULL when the arena is full. */
struct key_pattern key_pattern_cut(struct arena *arena, const char *pattern);
/* Whether a name fits one component ('*', '?', case folded). */
bool key_pattern_fits(struct text component, struct text name);
/* Whether a name fits a component of the pattern. */
bool key_pattern_fits_at(const struct key_pattern *pattern, size_t component, struct text name);
/* Whether a whole path fits. */
bool key_pattern_fits_path(const struct key_pattern *pattern, struct text path);

/* The keys that libregf gives. */
MUST_USE enum status live_open(struct parse_context *ctx, struct hive *hive, struct failure *why);
void live_close(struct live_hive *live);
MUST_USE enum status live_visit(struct parse_context *ctx, struct hive *hive,
				const struct key_pattern *pattern, hive_visitor visit,
				void *payload, bool *ret_any, struct failure *why);
/* As hive_find. */
MUST_USE enum status live_find(struct parse_context *ctx, struct hive *hive, const char *path,
			       struct hive_key *ret, struct failure *why);

#endif
