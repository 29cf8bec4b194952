/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVOUCH_PARSERS_EVENTLOG_EVTX_PEEK_H
#define AVOUCH_PARSERS_EVENTLOG_EVTX_PEEK_H

#include "parsers/base/arena.h"
#include "parsers/eventlog/evtx_chunk.h"

/*
 * Who wrote a record, without decoding it: the provider's name and GUID and the event id, from the
 * first elements of the record's template and the values beside it. What is not plain is unknown
 * and has to be decoded. Source: "Windows XML Event Log (EVTX) format", section 5 (binary XML).
 */
struct evtx_peek {
	struct text provider, guid; /* guid: {NULL, 0} if the provider element has none */
	uint32_t event_id;
};

/* A piece of a template: literal characters or the number of a value of the record. */
struct peek_piece {
	enum { PIECE_NONE, PIECE_TEXT, PIECE_VALUE } kind;
	struct text text;
	unsigned value;
};

struct peek_template {
	uint32_t offset; /* of its definition in the chunk */
	bool known;
	struct peek_piece provider, guid, event_id;
};

enum { PEEK_MAX_TEMPLATES = 256 };

/* The templates of one chunk met so far. */
struct evtx_peeker {
	struct arena *arena; /* texts live here */
	struct span chunk;
	struct peek_template templates[PEEK_MAX_TEMPLATES];
	size_t n_templates;
};

/* False when the record's writer is not plain. Texts live as long as the peeker's arena. */
bool evtx_peek(struct evtx_peeker *peeker, const struct evtx_record *record, struct evtx_peek *ret);

#endif
