/* SPDX-License-Identifier: Apache-2.0 */
#include "parsers/filesystem/ntfs/volume.h"

#include <inttypes.h>

#include "parsers/base/cursor.h"
#include "parsers/base/limits.h"
#include "parsers/base/text.h"
#include "parsers/filesystem/ntfs/content.h"

/*
 * Boot sector: 3 8 "NTFS    "  11 2 bytes per sector  13 1 sectors per cluster (above 128:
 * 2 to the power of 256 less it)  40 8 sectors  48 8 cluster of $MFT  56 8 of $MFTMirr
 * 64 1 record size (clusters, or 2 to the power of its negative)
 */
enum { BOOT_SIZE = 512, MAX_LIST = 1 << 20 };

struct ntfs_volume {
	struct stream *stream; /* NULL over a bare $MFT */
	struct stream *mft;    /* owned, except over a bare $MFT */
	uint64_t cluster_size, clusters, mft_cluster;
	size_t record_size;
};

static bool is_power_of_two(uint64_t n)
{
	return n && (n & (n - 1)) == 0;
}

static bool read_boot(struct span s, struct ntfs_volume *volume)
{
	const uint64_t sector = span_u16le(s, 11);
	const uint8_t per_cluster = s.data[13], record = s.data[64];
	const uint64_t sectors = span_u64le(s, 40);

	if (memcmp(s.data + 3, "NTFS    ", 8) != 0 || sector < 256 || sector > 4096 ||
	    !is_power_of_two(sector))
		return false;
	if (per_cluster > 128 && per_cluster < 243)
		return false;
	volume->cluster_size = sector * (per_cluster > 128 ? UINT64_C(1) << (256 - per_cluster) :
							     per_cluster);
	if (!is_power_of_two(volume->cluster_size) || volume->cluster_size > 2 << 20 ||
	    sectors > UINT64_MAX / 8192)
		return false;
	volume->clusters = sectors * sector / volume->cluster_size;
	volume->mft_cluster = span_u64le(s, 48);

	const uint64_t record_size = record < 128 ? record * volume->cluster_size :
				     record > 239 ? UINT64_C(1) << (256 - record) :
						    0;

	if (!is_power_of_two(record_size) || record_size < NTFS_RECORD_MIN ||
	    record_size > NTFS_RECORD_MAX || volume->mft_cluster == 0 ||
	    volume->mft_cluster >= volume->clusters)
		return false;
	volume->record_size = (size_t)record_size;
	return true;
}

/* The boot sector, or its copy in the last sector of the volume. */
static enum status find_boot(struct stream *stream, struct ntfs_volume *volume,
			     struct failure *why)
{
	uint8_t boot[BOOT_SIZE];
	const struct span s = { boot, sizeof(boot) };
	struct failure first = FAILURE_NONE;

	if (stream->size < BOOT_SIZE)
		return STATUS_DECLINED;

	const enum status status = stream_read(stream, 0, boot, sizeof(boot), &first);

	if (status == STATUS_OK && read_boot(s, volume))
		return STATUS_OK;

	const uint64_t last = (stream->size / BOOT_SIZE - 1) * BOOT_SIZE;

	if (stream_read(stream, last, boot, sizeof(boot), NULL) == STATUS_OK &&
	    read_boot(s, volume))
		return STATUS_OK;
	if (status < 0 && why)
		*why = first;
	return status < 0 ? status : STATUS_DECLINED;
}

/* Content of one attribute piece by piece while the records of a file are walked. */
struct gathering {
	struct ntfs_volume *volume;
	uint32_t type;
	struct span name;
	struct ntfs_content *out;
};

static enum status take_first(struct gathering *g, const struct ntfs_attribute *a,
			      struct failure *why)
{
	struct ntfs_content *out = g->out;

	out->found = true;
	out->resident = a->resident;
	out->compressed = (a->flags & 0xff) != 0 && !a->resident;
	out->encrypted = a->flags & 0x4000;
	out->size = a->data_size;
	out->valid_size = a->resident ? a->data_size : a->valid_size;
	out->allocated_size = a->allocated_size;
	out->compression_unit = a->compression_unit;
	if (out->valid_size > out->size)
		out->valid_size = out->size;
	if (!a->resident)
		return STATUS_OK;
	out->bytes = malloc(a->value.size + 1);
	if (!out->bytes)
		return failure_set(why, ERR_NO_MEMORY, "no memory for an attribute");
	memcpy(out->bytes, a->value.data, a->value.size);
	return STATUS_OK;
}

/* Takes the pieces of the attribute that stand in one record. */
static enum status gather_record(struct gathering *g, const struct ntfs_record *record,
				 uint64_t vcn, struct failure *why)
{
	size_t pos = record->first_attribute;
	struct ntfs_attribute a;

	while (ntfs_next_attribute(record, &pos, &a) == STATUS_OK) {
		enum status status = STATUS_OK;

		if (a.type != g->type || a.name.size != g->name.size ||
		    (a.name.size && memcmp(a.name.data, g->name.data, a.name.size) != 0))
			continue;
		if (!a.resident && a.first_vcn != vcn)
			continue;
		if (a.resident || a.first_vcn == 0)
			status = g->out->found ? STATUS_OK : take_first(g, &a, why);
		if (status == STATUS_OK && !a.resident && g->out->found && !g->out->resident)
			status = ntfs_runs_add(&g->out->runs, &a, g->volume->clusters, why);
		return status;
	}
	return STATUS_END;
}

/*
 * Attribute list entry: 0 4 type  4 2 length  6 1 name length  7 1 name offset  8 8 first vcn
 * 16 8 record reference  24 2 id
 */
static enum status gather_listed(struct gathering *g, uint64_t entry, struct span list,
				 struct failure *why)
{
	CLEANUP(free_p) uint8_t *buffer = malloc(g->volume->record_size);

	if (!buffer)
		return failure_set(why, ERR_NO_MEMORY, "no memory for a record");
	for (size_t pos = 0; list.size - pos >= 26;) {
		const size_t length = span_u16le(list, pos + 4);
		const uint64_t reference = span_u64le(list, pos + 16);
		const struct span name = span_part(list, pos + list.data[pos + 7],
						   (size_t)list.data[pos + 6] * 2);
		struct ntfs_record record;
		enum status status;

		if (length < 26 || length > list.size - pos)
			return failure_set(why, ERR_FORMAT, "attribute list is garbled");
		if (span_u32le(list, pos) == g->type && name.data && name.size == g->name.size &&
		    (name.size == 0 || memcmp(name.data, g->name.data, name.size) == 0)) {
			status = ntfs_volume_record(g->volume, ntfs_entry_of(reference), buffer,
						    &record, why);
			if (status == STATUS_OK && ntfs_entry_of(reference) != entry &&
			    ntfs_entry_of(record.base) != entry)
				status = STATUS_END;
			if (status == STATUS_OK)
				status = gather_record(g, &record, span_u64le(list, pos + 8), why);
			if (status == STATUS_END)
				return failure_set(why, ERR_FORMAT, "extension record reused");
			if (status < 0)
				return status;
		}
		pos += length;
	}
	return g->out->found ? STATUS_OK : STATUS_END;
}

static enum status list_bytes(struct ntfs_volume *volume, const struct ntfs_attribute *a,
			      struct ntfs_content *out, struct failure *why)
{
	struct gathering g = { .volume = volume, .type = NTFS_ATTRIBUTE_LIST, .out = out };
	enum status status = take_first(&g, a, why);

	if (status < 0 || a->resident)
		return status;
	if (out->size > MAX_LIST)
		return failure_set(why, ERR_LIMIT, "attribute list too long");
	status = ntfs_runs_add(&out->runs, a, volume->clusters, why);
	if (status < 0)
		return status;
	out->bytes = malloc((size_t)out->size + 1);
	if (!out->bytes)
		return failure_set(why, ERR_NO_MEMORY, "no memory for an attribute list");
	return ntfs_content_read(volume->stream, volume->cluster_size, out, 0, out->bytes,
				 (size_t)out->size, why);
}

static enum status gather(struct gathering *g, uint64_t entry, const struct ntfs_record *record,
			  struct failure *why)
{
	size_t pos = record->first_attribute;
	struct ntfs_attribute a;

	while (ntfs_next_attribute(record, &pos, &a) == STATUS_OK) {
		CLEANUP(ntfs_content_clear) struct ntfs_content list = { 0 };

		if (a.type != NTFS_ATTRIBUTE_LIST)
			continue;

		const enum status status = list_bytes(g->volume, &a, &list, why);

		if (status < 0)
			return status;
		return gather_listed(g, entry, span_of(list.bytes, (size_t)list.size), why);
	}
	return gather_record(g, record, 0, why);
}

enum status ntfs_volume_content(struct ntfs_volume *volume, uint64_t entry, uint32_t type,
				struct span name, struct ntfs_content *ret, struct failure *why)
{
	CLEANUP(free_p) uint8_t *buffer = malloc(volume->record_size);
	CLEANUP(ntfs_content_clear) struct ntfs_content content = { 0 };
	struct gathering g = { .volume = volume, .type = type, .name = name, .out = &content };
	struct ntfs_record record;

	if (!buffer)
		return failure_set(why, ERR_NO_MEMORY, "no memory for a record");

	enum status status = ntfs_volume_record(volume, entry, buffer, &record, why);

	if (status == STATUS_OK)
		status = gather(&g, entry, &record, why);
	if (status != STATUS_OK)
		return status;
	*ret = content;
	content = (struct ntfs_content){ 0 };
	return STATUS_OK;
}

/* $MFT's first record, which says where all others lie. */
static enum status open_mft(struct ntfs_volume *volume, struct failure *why)
{
	CLEANUP(free_p) uint8_t *buffer = malloc(volume->record_size);
	CLEANUP(ntfs_content_clear) struct ntfs_content content = { 0 };
	struct gathering g = { .volume = volume, .type = NTFS_DATA, .out = &content };
	struct ntfs_record record;
	enum status status;

	if (!buffer)
		return failure_set(why, ERR_NO_MEMORY, "no memory for a record");
	status = stream_read(volume->stream, volume->mft_cluster * volume->cluster_size, buffer,
			     volume->record_size, why);
	if (status == STATUS_OK)
		status = ntfs_record_open(buffer, volume->record_size, &record, why);
	if (status == STATUS_OK)
		status = gather_record(&g, &record, 0, why);
	if (status == STATUS_OK && content.resident)
		status = STATUS_END;
	if (status != STATUS_OK)
		return status < 0 ? status : failure_set(why, ERR_FORMAT, "$MFT has no content");

	/* Extension records lie in the part the base record maps; then all runs are known. */
	struct ntfs_content whole = { 0 };

	g.out = &whole;
	status = ntfs_content_stream(volume->stream, volume->cluster_size, &content, &volume->mft,
				     why);
	if (status == STATUS_OK)
		status = gather(&g, 0, &record, why);
	if (status == STATUS_OK) {
		stream_close(volume->mft);
		volume->mft = NULL;
		whole.size = whole.valid_size;
		status = ntfs_content_stream(volume->stream, volume->cluster_size, &whole,
					     &volume->mft, why);
	}
	ntfs_content_clear(&whole);
	return status == STATUS_END ? failure_set(why, ERR_FORMAT, "$MFT lost its content") :
				      status;
}

enum status ntfs_volume_open(struct stream *stream, struct ntfs_volume **ret, struct failure *why)
{
	CLEANUP(ntfs_volume_close_p) struct ntfs_volume *volume = calloc(1, sizeof(*volume));
	enum status status;

	if (!volume)
		return failure_set(why, ERR_NO_MEMORY, "no memory for a volume");
	status = find_boot(stream, volume, why);
	if (status != STATUS_OK)
		return status;
	volume->stream = stream;
	status = open_mft(volume, why);
	if (status < 0)
		return why ? failure_wrap(why, "$MFT") : status;
	*ret = volume;
	volume = NULL;
	return STATUS_OK;
}

enum status ntfs_volume_over_mft(struct stream *mft, struct ntfs_volume **ret,
				 struct failure *why)
{
	uint8_t head[48];
	enum status status;

	if (mft->size < NTFS_RECORD_MIN)
		return STATUS_DECLINED;
	status = stream_read(mft, 0, head, sizeof(head), why);
	if (status < 0)
		return status;

	const uint32_t size = span_u32le(span_of(head, sizeof(head)), 28);

	if (memcmp(head, "FILE", 4) != 0 || !is_power_of_two(size) || size < NTFS_RECORD_MIN ||
	    size > NTFS_RECORD_MAX)
		return STATUS_DECLINED;

	struct ntfs_volume *volume = calloc(1, sizeof(*volume));

	if (!volume)
		return failure_set(why, ERR_NO_MEMORY, "no memory for a volume");
	volume->mft = mft;
	volume->record_size = size;
	*ret = volume;
	return STATUS_OK;
}

void ntfs_volume_close(struct ntfs_volume *volume)
{
	if (volume && volume->stream)
		stream_close(volume->mft);
	free(volume);
}

struct stream *ntfs_volume_mft(struct ntfs_volume *volume)
{
	return volume->mft;
}

size_t ntfs_volume_record_size(const struct ntfs_volume *volume)
{
	return volume->record_size;
}

uint64_t ntfs_volume_records(const struct ntfs_volume *volume)
{
	return volume->mft->size / volume->record_size;
}

uint64_t ntfs_volume_clusters(const struct ntfs_volume *volume)
{
	return volume->clusters;
}

struct stream *ntfs_volume_stream(const struct ntfs_volume *volume)
{
	return volume->stream;
}

uint64_t ntfs_volume_cluster_size(const struct ntfs_volume *volume)
{
	return volume->cluster_size;
}

enum status ntfs_volume_record(struct ntfs_volume *volume, uint64_t entry, uint8_t *buffer,
			       struct ntfs_record *ret, struct failure *why)
{
	enum status status;

	if (entry >= ntfs_volume_records(volume))
		return failure_set(why, ERR_TRUNCATED, "no MFT entry %" PRIu64, entry);
	status = stream_read(volume->mft, entry * volume->record_size, buffer,
			     volume->record_size, why);
	if (status < 0)
		return status;
	return ntfs_record_open(buffer, volume->record_size, ret, why);
}

enum status ntfs_volume_attribute_id(struct ntfs_volume *volume, uint64_t entry, uint32_t type,
				     struct text name, uint16_t *ret, struct failure *why)
{
	CLEANUP(free_p) uint8_t *buffer = malloc(ntfs_volume_record_size(volume));
	CLEANUP(arena_free_p) struct arena *arena = arena_new(LIMIT_TEXT);
	struct ntfs_record record;
	struct ntfs_attribute a;

	if (!buffer || !arena)
		return failure_set(why, ERR_NO_MEMORY, "no memory for a record");

	const enum status status = ntfs_volume_record(volume, entry, buffer, &record, why);

	if (status != STATUS_OK)
		return status;
	for (size_t pos = record.first_attribute; ntfs_next_attribute(&record, &pos, &a) == STATUS_OK;) {
		if (a.type != type ||
		    !text_equal_folded(text_from_utf16le(arena, a.name, NULL), name))
			continue;
		*ret = a.id;
		return STATUS_OK;
	}
	return STATUS_END;
}

struct text ntfs_volume_label(struct ntfs_volume *volume, struct arena *arena)
{
	const struct text none = { NULL, 0 };
	uint8_t *buffer = arena_alloc(arena, volume->record_size);
	struct ntfs_record record;
	struct ntfs_attribute a;

	if (!buffer || ntfs_volume_record(volume, NTFS_VOLUME, buffer, &record, NULL) != STATUS_OK)
		return none;
	for (size_t pos = record.first_attribute;
	     ntfs_next_attribute(&record, &pos, &a) == STATUS_OK;)
		if (a.type == NTFS_VOLUME_NAME && a.resident) {
			const struct text label = text_from_utf16le(arena, a.value, NULL);

			return label.size ? label : none;
		}
	return none;
}

/* A stream name in UTF-16LE; only names of the basic plane can be asked for. */
static struct span name_to_utf16(struct text name, uint8_t buffer[512])
{
	size_t used = 0;

	for (size_t pos = 0; pos < name.size && used + 2 <= 510;) {
		const uint32_t c = text_next(name, &pos);

		buffer[used++] = (uint8_t)c;
		buffer[used++] = (uint8_t)(c >> 8);
	}
	return span_of(buffer, used);
}

enum status ntfs_open_file(struct ntfs_volume *volume, uint64_t entry, struct text name,
			   struct stream **ret, struct failure *why)
{
	CLEANUP(ntfs_content_clear) struct ntfs_content content = { 0 };
	uint8_t wide[512];
	const enum status status = ntfs_volume_content(volume, entry, NTFS_DATA,
						       name_to_utf16(name, wide), &content, why);

	if (status != STATUS_OK)
		return status;
	if (content.encrypted)
		return failure_set(why, ERR_ENCRYPTED, "the file is encrypted (EFS)");
	if (!content.resident && !volume->stream)
		return failure_set(why, ERR_UNSUPPORTED, "content outside $MFT, no volume");
	return ntfs_content_stream(volume->stream, volume->cluster_size, &content, ret, why);
}

enum status ntfs_open_index(struct ntfs_volume *volume, uint64_t entry, struct stream **ret,
			    struct failure *why)
{
	static const uint8_t name[] = { '$', 0, 'I', 0, '3', 0, '0', 0 };
	CLEANUP(ntfs_content_clear) struct ntfs_content content = { 0 };
	const enum status status = ntfs_volume_content(volume, entry, NTFS_INDEX_ALLOCATION,
						       span_of(name, sizeof(name)), &content, why);

	if (status != STATUS_OK)
		return status;
	if (content.resident || !volume->stream)
		return STATUS_END;
	return ntfs_content_stream(volume->stream, volume->cluster_size, &content, ret, why);
}

bool ntfs_volume_record_is_free(struct ntfs_volume *volume, uint64_t entry)
{
	CLEANUP(ntfs_content_clear) struct ntfs_content content = { 0 };
	uint8_t byte = 0xff;

	if (volume->cluster_size == 0 || /* a bare $MFT */
	    ntfs_volume_content(volume, 0, NTFS_BITMAP_ATTRIBUTE, span_of(NULL, 0), &content, NULL) !=
		    STATUS_OK ||
	    entry / 8 >= content.valid_size ||
	    ntfs_content_read(volume->stream, volume->cluster_size, &content, entry / 8, &byte, 1,
			      NULL) != STATUS_OK)
		return false;
	return !(byte >> (entry % 8) & 1);
}
