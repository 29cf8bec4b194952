/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVOUCH_PARSERS_EVENTLOG_EVTX_BINARY_H
#define AVOUCH_PARSERS_EVENTLOG_EVTX_BINARY_H

#include "parsers/eventlog/event.h"
#include "parsers/eventlog/evtx_chunk.h"

/*
 * The plain records of a chunk, straight from their binary XML: elements, attributes, texts and the
 * common kinds of values, in templates or below them. That is nearly every record there is, and
 * spares libevtx's reading of the whole chunk and the making of an XML text (a System log of 20 MiB
 * holds 50,000 records that are wanted). Everything else, and everything odd, is left to libevtx;
 * tests compare the two on every log. Source: "Windows XML Event Log (EVTX) format", section 5.
 *
 * False when the record is not plain: event is then to be filled anew. Texts are in the arena.
 */
bool evtx_binary_decode(struct span chunk, const struct evtx_record *record, struct arena *arena,
			struct event *event);

#endif
