/* SPDX-License-Identifier: Apache-2.0 */
#include "parsers/stream/partition.h"

#include "parsers/base/text.h"
#include "parsers/stream/tsk_image.h"

enum { MAX_PARTITIONS = 1024 };

static void close_table(TSK_VS_INFO *const *table)
{
	if (*table)
		tsk_vs_close(*table);
}

static const char *scheme_name(TSK_VS_TYPE_ENUM type)
{
	switch (type) {
	case TSK_VS_TYPE_DOS:
		return "dos";
	case TSK_VS_TYPE_GPT:
		return "gpt";
	case TSK_VS_TYPE_BSD:
		return "bsd";
	case TSK_VS_TYPE_SUN:
		return "sun";
	case TSK_VS_TYPE_MAC:
		return "mac";
	case TSK_VS_TYPE_DETECT:
	case TSK_VS_TYPE_DBFILLER:
	case TSK_VS_TYPE_UNSUPP:
	default:
		return "unknown";
	}
}

static enum status bare_volume(struct stream *disk, struct arena *arena,
			       struct partition_table *ret, struct failure *why)
{
	struct partition *whole = arena_alloc(arena, sizeof(*whole));

	if (!whole)
		return failure_set(why, ERR_LIMIT, "partition table");
	*whole = (struct partition){ .size = disk->size, .description = TEXT("whole disk") };
	*ret = (struct partition_table){ "none", false, whole, 1 };
	return STATUS_OK;
}

/* Fills one partition; false when it lies outside the image. */
static bool fill(const struct stream *disk, const TSK_VS_INFO *table, const TSK_VS_PART_INFO *part,
		 struct arena *arena, struct partition *ret)
{
	uint64_t offset, size;

	if (__builtin_mul_overflow(part->start, table->block_size, &offset) ||
	    __builtin_add_overflow(offset, table->offset, &offset) ||
	    __builtin_mul_overflow(part->len, table->block_size, &size) || offset >= disk->size)
		return false;

	const bool cut = size > disk->size - offset;
	const struct text description =
		part->desc ? text_from_utf8(arena, span_of(part->desc, strlen(part->desc)), NULL) :
			     TEXT("");

	*ret = (struct partition){ offset, cut ? disk->size - offset : size, cut, description,
				   (unsigned)part->addr + 1 };
	return true;
}

static enum status list(struct stream *disk, const TSK_VS_INFO *table, struct arena *arena,
			struct partition_table *ret, struct failure *why)
{
	struct partition *partitions = NULL;
	size_t n = 0;

	for (const TSK_VS_PART_INFO *part = table->part_list; part; part = part->next)
		n += (part->flags & TSK_VS_PART_FLAG_ALLOC) != 0 ? 1 : 0;
	if (n > MAX_PARTITIONS)
		return failure_set(why, ERR_LIMIT, "%zu partitions", n);
	partitions = arena_array(arena, n ? n : 1, sizeof(*partitions));
	if (!partitions)
		return failure_set(why, ERR_LIMIT, "partition table");
	n = 0;
	for (const TSK_VS_PART_INFO *part = table->part_list; part; part = part->next)
		if ((part->flags & TSK_VS_PART_FLAG_ALLOC) != 0 &&
		    fill(disk, table, part, arena, &partitions[n]))
			n++;
	*ret = (struct partition_table){ scheme_name(table->vstype), table->is_backup != 0,
					 partitions, n };
	return STATUS_OK;
}

/*
 * Whether libtsk just failed because there is no table. libtsk 4.11 also guesses at encryption here
 * (which is for the reader of the volume to say), and sets no error at all when that guess is no.
 */
static bool nothing_found(void)
{
	const uint32_t code = tsk_error_get_errno();

	return code == 0 || code == TSK_ERR_VS_UNKTYPE || code == TSK_ERR_VS_ENCRYPTED;
}

/* A table with nothing but the entry that keeps other systems off a GPT (type 0xee): that is lost. */
static bool protects_lost_gpt(const TSK_VS_INFO *table)
{
	bool protects = false;

	if (!table || table->vstype != TSK_VS_TYPE_DOS)
		return false;
	for (const TSK_VS_PART_INFO *part = table->part_list; part; part = part->next) {
		if ((part->flags & TSK_VS_PART_FLAG_ALLOC) == 0)
			continue;
		if (!part->desc || !strstr(part->desc, "(0xee)"))
			return false;
		protects = true;
	}
	return protects;
}

/* libtsk reads the copy of a GPT at the disk's end only when it is asked for a GPT. */
static void take_gpt_copy(struct tsk_image *image, TSK_VS_INFO **table)
{
	TSK_VS_INFO *copy;

	tsk_error_reset();
	copy = tsk_vs_open(&image->info, 0, TSK_VS_TYPE_GPT);
	if (!copy)
		return;
	if (*table)
		tsk_vs_close(*table);
	*table = copy;
}

enum status partition_table_read(struct stream *disk, struct arena *arena,
				 struct partition_table *ret, struct failure *why)
{
	CLEANUP(tsk_image_close_p) struct tsk_image *image = NULL;
	CLEANUP(close_table) TSK_VS_INFO *table = NULL;
	const enum status status = tsk_image_open(disk, &image, why);

	if (status < 0)
		return status;
	tsk_error_reset();
	table = tsk_vs_open(&image->info, 0, TSK_VS_TYPE_DETECT);

	const bool none = !table && nothing_found() && image->last.status >= 0;

	if (none || protects_lost_gpt(table))
		take_gpt_copy(image, &table);
	if (table)
		return list(disk, table, arena, ret, why);
	if (none)
		return bare_volume(disk, arena, ret, why);
	return failure_from_tsk(image, why, "partition table");
}
