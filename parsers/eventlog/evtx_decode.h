/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVOUCH_PARSERS_EVENTLOG_EVTX_DECODE_H
#define AVOUCH_PARSERS_EVENTLOG_EVTX_DECODE_H

#include "parsers/eventlog/event.h"
#include "parsers/eventlog/evtx_chunk.h"

/*
 * One chunk of a log, decoded by libevtx. libevtx decodes all records of a chunk together and all
 * chunks at opening time, so it is given a log in memory that holds the one chunk.
 */
struct evtx_decoder;

/* bytes: EVTX_CHUNK_SIZE; copied. ERR_FORMAT with libevtx's reason when it reads nothing of it. */
MUST_USE enum status evtx_decoder_open(struct span bytes, struct evtx_decoder **ret,
				       struct failure *why);
void evtx_decoder_free(struct evtx_decoder *decoder);
DEFINE_CLEANUP(struct evtx_decoder *, evtx_decoder_free, evtx_decoder_free_p)

/*
 * The event of the record with the number and time of header; record, written, origin and recovery
 * are the caller's to fill. place: its place among the live records from 0 on, -1 if none.
 * STATUS_END when libevtx found no such record. Texts are in the arena.
 */
MUST_USE enum status evtx_decode(struct evtx_decoder *decoder, struct arena *arena, int place,
				 const struct evtx_record *header, struct event *event,
				 bool *ret_cut, struct failure *why);

#endif
