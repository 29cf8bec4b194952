/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVOUCH_PARSERS_EVENTLOG_EVTX_H
#define AVOUCH_PARSERS_EVENTLOG_EVTX_H

#include "parsers/parser.h"

/*
 * Reads a Windows XML Event Log. Records that no rule or signature asks for are passed over, plain
 * ones are decoded here, the others by libevtx. decode_all has libevtx decode every record, for
 * tests that compare the two.
 */
MUST_USE enum status evtx_read(struct parse_context *ctx, const struct source *source,
			       bool decode_all, struct failure *why);

/*
 * Reads whole chunks wherever they stand at multiples of 512 bytes: as a log that was cleared or
 * deleted left them. A chunk counts if both its checksums fit. RECOVERY_CARVED.
 */
MUST_USE enum status evtx_carve(struct parse_context *ctx, const struct source *source,
				struct failure *why);

#endif
