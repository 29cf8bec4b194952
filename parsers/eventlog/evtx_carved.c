/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Chunks of event logs in free clusters. A log that is cleared or deleted gives its clusters back;
 * until another file takes them, whole chunks stand there. Which system wrote one its records say
 * themselves (Computer), as far as a name does.
 */
#include "parsers/eventlog/event.h"
#include "parsers/eventlog/evtx.h"

const struct parser evtx_carved_parser = {
	.name = "windows.evtx-carved",
	.title = "Event logs in free clusters (with --carve)",
	.versions = "Windows Vista to 11",
	.asserts = "What event logs assert, if the record is of this system",
	.paths = (const char *const[]){ "/$Bitmap:$Unallocated", NULL },
	.emits = event_types,
	.max_input = UINT64_MAX,
	.carves = true,
	.parse_file = evtx_carve,
};
