/* SPDX-License-Identifier: Apache-2.0 */
#include "parsers/registry/replay.h"

#include <inttypes.h>

#include "parsers/registry/regf.h"

struct hive_place hive_image_place(const struct hive_image *image, uint64_t offset, uint64_t size)
{
	struct hive_place place = { .offset = offset, .size = size };
	const uint64_t first = offset / REGF_PAGE;

	if (!image->pages || size == 0)
		return place;

	const struct hive_page *page = &image->pages[first];
	const uint64_t last = (offset + size - 1) / REGF_PAGE;

	place.companion = page->companion;
	place.offset = page->offset + offset % REGF_PAGE;
	for (uint64_t i = first + 1; i <= last; i++) {
		const uint64_t distance = (i - first) * REGF_PAGE;

		if (image->pages[i].companion != page->companion ||
		    image->pages[i].offset != page->offset + distance) {
			place.size = distance - offset % REGF_PAGE;
			break;
		}
	}
	return place;
}

enum status hive_image_load(struct parse_context *ctx, const struct source *source,
			    struct hive_image *ret, struct failure *why)
{
	struct regf_header header;
	enum status status;

	if (source->stream->size == 0)
		return STATUS_DECLINED;
	status = stream_load(source->stream, ctx->arena, LIMIT_WHOLE_FILE, &ret->primary, why);
	if (status < 0)
		return status;
	ret->bytes = ret->primary;
	if (!regf_read_header(ret->primary, &header))
		return failure_at(why, ERR_FORMAT, 0, "no registry hive");
	if (header.primary_sequence != header.secondary_sequence || !header.checksum_right)
		lost(ctx, 0, "the hive was not cleanly written (sequence %" PRIu32 " and %" PRIu32
		     ") and its logs are not applied", header.primary_sequence,
		     header.secondary_sequence);
	return STATUS_OK;
}
