/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVOUCH_PARSERS_EVENTLOG_EVTX_H
#define AVOUCH_PARSERS_EVENTLOG_EVTX_H

#include "parsers/parser.h"

/*
 * Reads a Windows XML Event Log. Chunks without a record that a rule or a signature asks for are
 * not decoded; decode_all decodes every one, for tests of that choice.
 */
MUST_USE enum status evtx_read(struct parse_context *ctx, const struct source *source,
			       bool decode_all, struct failure *why);

#endif
