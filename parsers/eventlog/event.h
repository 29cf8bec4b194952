/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVOUCH_PARSERS_EVENTLOG_EVENT_H
#define AVOUCH_PARSERS_EVENTLOG_EVENT_H

#include "parsers/parser.h"

/*
 * One event of a Windows log, whatever file format it stood in, and the tables that say which
 * trace it becomes. A family of providers is one file with one table (event_families).
 */

enum { EVENT_MAX_ITEMS = 96 };

/* One parameter of an event, in the order of the record. */
struct event_item {
	struct text name;  /* Data Name="..." or the element's name; {NULL, 0} for plain <Data> */
	struct text value; /* UTF-8; empty when the item is */
};

struct event {
	uint64_t record;        /* the log's own number */
	struct instant written; /* by the record's header */
	uint32_t id;            /* event identifier without qualifiers */
	struct text provider, guid, channel, computer, user;
	struct event_item items[EVENT_MAX_ITEMS];
	size_t n_items;
	struct span binary; /* <Binary> of classic events */
	struct origin origin;
	enum recovery recovery;
	bool unsound; /* the records of its part of the log do not fit their checksum */
};

/* The first fields of every trace of an event log; a family's own begin at EVENT_FIELDS. */
enum event_field {
	EVENT_ID,
	EVENT_RECORD,
	EVENT_TIME,
	EVENT_PROVIDER,
	EVENT_CHANNEL,
	EVENT_COMPUTER,
	EVENT_USER,
	EVENT_UNSOUND, /* 1: as in struct event; else absent */
	EVENT_FIELDS,
};

/* clang-format off */
#define EVENT_COMMON_FIELDS                                                                        \
	[EVENT_ID] = { "event_id", VALUE_UINT, 0, 0, "Event id" },                                 \
	[EVENT_RECORD] = { "record", VALUE_UINT, 0, 0, "Record" },                                 \
	[EVENT_TIME] = { "time", VALUE_INSTANT, 0, 0, "Event written" },                           \
	[EVENT_PROVIDER] = { "provider", VALUE_TEXT, ASPECT_PROVIDER, 0, "Provider" },             \
	[EVENT_CHANNEL] = { "channel", VALUE_TEXT, ASPECT_CHANNEL, 0, "Channel" },                 \
	[EVENT_COMPUTER] = { "computer", VALUE_TEXT, 0, 0, "Computer" },                           \
	[EVENT_USER] = { "user", VALUE_TEXT, 0, 0, "User" },                                       \
	[EVENT_UNSOUND] = { "unsound", VALUE_UINT, 0, 0, "Stands among damaged records" }
/* clang-format on */

/* How an item becomes a value. Empty items and "(NULL)" are always absent. */
enum take {
	TAKE_TEXT,
	TAKE_UINT, /* decimal or 0x...; absent when it is no number */
	TAKE_TIME, /* RFC 3339 */
};

/*
 * Where a field comes from: an item of one of the names ("ServiceName|param1"), else the item at
 * position (from 1; 0: none) if that is an unnamed one.
 */
struct field_source {
	unsigned field, position;
	const char *names; /* may be NULL */
	enum take take;
};

struct event_rule {
	const char *provider; /* compared case folded; NULL ends a table */
	const char *guid;     /* "{...}" or NULL: an event of this GUID fits too */
	uint32_t first_id, last_id;
	const struct trace_type *type;
	const struct field_source *sources; /* ended by field 0 */
	/* Fills what a table cannot say; may be NULL. values are indexed by field. */
	void (*refine)(struct arena *arena, const struct event *event, struct value *values);
};

/* The tables of all families, NULL ended. */
extern const struct event_rule *const event_families[];
/* Every trace type of an event log, NULL ended. */
extern const struct trace_type *const event_types[];
/* Any record of a channel or provider that a signature names; family vendor.c. */
extern const struct event_rule vendor_rule;

/* Whether some table has a rule for the provider (or its GUID) and the event id. */
bool event_is_known(struct text provider, struct text guid, uint32_t id);

/*
 * Emits one trace for each rule that fits, and one of vendor_rule if wants_log() names the channel
 * or the provider. Memory of the traces comes from arena.
 */
MUST_USE enum status event_emit(struct parse_context *ctx, struct arena *arena,
				const struct event *event, struct failure *why);

/* Nothing in it: empty, white space (which libevtx leaves out) or "(NULL)". */
bool event_text_is_absent(struct text value);

/* The value of the item of that name, {NULL, 0} if none. */
struct text event_item_named(const struct event *event, const char *name);
/* The item at a position from 1 on, {NULL, 0} if there is none or it is empty or "(NULL)". */
struct text event_item_at(const struct event *event, size_t position);

/* The part behind the last '\' or '/' if it ends in the suffix (case folded), else {NULL, 0}. */
struct text event_base_name(struct text path, const char *suffix);

/* A decimal or 0x number that fills the whole text. */
bool event_number(struct text text, uint64_t *ret);

#endif
