/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/report/document_parts.h"

#include "analyzer/judge/system.h"

json_t *json_of_text(struct text t)
{
	return t.data && t.size ? json_stringn(t.data, t.size) : json_null();
}

json_t *json_of_string(const char *s)
{
	return s && *s ? json_string(s) : json_null();
}

json_t *json_of_ticks(int64_t ticks)
{
	char buffer[INSTANT_TEXT_SIZE];

	if (ticks == 0 || ticks == BOUND_OPEN_START || ticks == BOUND_OPEN_END)
		return json_null();
	ticks_format(ticks, buffer);
	return buffer[0] >= '0' && buffer[0] <= '9' ? json_string(buffer) : json_null();
}

json_t *json_of_instant(struct instant i)
{
	char buffer[INSTANT_TEXT_SIZE];

	if (!instant_is_set(i))
		return json_null();
	instant_format(i, buffer);
	return buffer[0] >= '0' && buffer[0] <= '9' ? json_string(buffer) : json_null();
}

json_t *json_id(const char *prefix, int64_t number)
{
	return json_sprintf("%s%lld", prefix, (long long)number);
}

json_t *json_locator(const struct writing *w, const struct case_source *source,
		     const struct case_trace *t)
{
	const struct case_volume *volume = find_volume(w->c, source->volume);
	const struct case_place none = { 0 }, *place = t ? &t->place : &none;

	return json_pack(
		"{s:o,s:o,s:I,s:o,s:s,s:I,s:I,s:o,s:o,s:o,s:o,s:s,s:o}", "evidence",
		volume ? json_id("E", volume->evidence) : json_null(), "volume",
		json_id("V", source->volume), "volume_offset",
		(json_int_t)(volume ? volume->offset : 0), "snapshot",
		volume && volume->snapshot_of ? json_of_instant(volume->snapshot_created) : json_null(),
		"file", place->file ? place->file : source->path, "entry",
		(json_int_t)(place->file ? place->entry : source->entry), "sequence",
		(json_int_t)(place->file ? place->sequence : source->sequence), "attribute",
		json_of_string(place->attribute), "offset",
		t && t->trace.origin.size ? json_integer((json_int_t)t->trace.origin.offset) :
					    json_null(),
		"size",
		t && t->trace.origin.size ? json_integer((json_int_t)t->trace.origin.size) :
					    json_null(),
		"address", t ? json_of_text(t->trace.origin.address) : json_null(), "recovery",
		t ? recovery_name(t->trace.recovery) : "allocated", "sha256",
		json_of_string(place->sha256));
}

json_t *json_container(const struct case_source *source, const struct case_trace *t)
{
	if (!t || t->trace.origin.size == 0)
		return json_null();

	const struct case_place *place = &t->place;

	return json_pack("{s:s,s:I,s:I,s:o,s:I,s:I,s:o,s:s,s:o}", "file",
			 place->file ? place->file : source->path, "entry",
			 (json_int_t)(place->file ? place->entry : source->entry), "sequence",
			 (json_int_t)(place->file ? place->sequence : source->sequence),
			 "attribute", json_of_string(place->attribute), "offset",
			 (json_int_t)t->trace.origin.offset, "size",
			 (json_int_t)t->trace.origin.size, "address",
			 json_of_text(t->trace.origin.address), "recovery",
			 recovery_name(t->trace.recovery), "sha256",
			 json_of_string(place->sha256));
}
