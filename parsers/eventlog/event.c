/* SPDX-License-Identifier: Apache-2.0 */
#include "parsers/eventlog/event.h"

#include "parsers/base/text.h"
#include "parsers/eventlog/families.h"

const struct event_rule *const event_families[] = {
	boot_rules,	  cleared_rules,  clock_rules,		 crash_rules,
	defender_rules,	  driver_rules,	  inventory_rules,	 msi_rules,
	restart_rules,	  restore_rules,  security_center_rules, service_rules,
	task_rules,	  NULL,
};

bool event_text_is_absent(struct text value)
{
	size_t spaces = 0;

	while (spaces < value.size && memchr(" \t\r\n", value.data[spaces], 4))
		spaces++;
	return spaces == value.size || text_equal(value, TEXT("(NULL)"));
}

struct text event_item_named(const struct event *event, const char *name)
{
	for (size_t i = 0; i < event->n_items; i++)
		if (event->items[i].name.data &&
		    text_equal_folded(event->items[i].name, text_of(name)))
			return event->items[i].value;
	return (struct text){ NULL, 0 };
}

struct text event_item_at(const struct event *event, size_t position)
{
	if (position == 0 || position > event->n_items ||
	    event_text_is_absent(event->items[position - 1].value))
		return (struct text){ NULL, 0 };
	return event->items[position - 1].value;
}

struct text event_base_name(struct text path, const char *suffix)
{
	const struct text end = text_of(suffix);
	size_t start = path.size;

	while (path.size && path.data[path.size - 1] == '"')
		path.size--;
	start = path.size;
	while (start && path.data[start - 1] != '\\' && path.data[start - 1] != '/' &&
	       path.data[start - 1] != '"')
		start--;

	const struct text name = { path.data + start, path.size - start };

	if (name.size <= end.size ||
	    !text_equal_folded((struct text){ name.data + name.size - end.size, end.size }, end))
		return (struct text){ NULL, 0 };
	return name;
}

bool event_number(struct text text, uint64_t *ret)
{
	const bool hex = text.size > 2 && text.data[0] == '0' && (text.data[1] | 32) == 'x';
	uint64_t number = 0;

	if (text.size == 0 || text.size > 20)
		return false;
	for (size_t i = hex ? 2 : 0; i < text.size; i++) {
		const char c = text.data[i];
		unsigned digit;

		if (c >= '0' && c <= '9')
			digit = (unsigned)(c - '0');
		else if (hex && (c | 32) >= 'a' && (c | 32) <= 'f')
			digit = (unsigned)((c | 32) - 'a') + 10;
		else
			return false;
		if (__builtin_mul_overflow(number, hex ? 16U : 10U, &number) ||
		    __builtin_add_overflow(number, digit, &number))
			return false;
	}
	*ret = number;
	return true;
}

/* The item that a source names; {NULL, 0} if there is none or nothing in it. */
static struct text find_item(const struct event *event, const struct field_source *source)
{
	const char *name = source->names;

	while (name && *name) {
		const char *end = strchrnul(name, '|');
		const struct text wanted = { name, (size_t)(end - name) };

		for (size_t i = 0; i < event->n_items; i++)
			if (event->items[i].name.data &&
			    !event_text_is_absent(event->items[i].value) &&
			    text_equal_folded(event->items[i].name, wanted))
				return event->items[i].value;
		name = *end ? end + 1 : NULL;
	}
	if (source->position && source->position <= event->n_items &&
	    !event->items[source->position - 1].name.data)
		return event_item_at(event, source->position);
	return (struct text){ NULL, 0 };
}

/* A time with up to nine digits behind the point, of which the last two of nine are always 0. */
static struct value take_time(struct text item)
{
	char copy[40];
	const char *point = memchr(item.data, '.', item.size);
	size_t digits = 0, cut = 0;

	if (item.size >= sizeof(copy))
		return (struct value){ .kind = VALUE_ABSENT };
	memcpy(copy, item.data, item.size);
	if (point) {
		const size_t start = (size_t)(point - item.data) + 1;

		while (start + digits < item.size && copy[start + digits] >= '0' &&
		       copy[start + digits] <= '9')
			digits++;
		cut = digits > 7 ? digits - 7 : 0;
		memmove(copy + start + digits - cut, copy + start + digits,
			item.size - start - digits);
	}

	const struct instant instant = instant_parse((struct text){ copy, item.size - cut });

	return instant_is_set(instant) ? value_instant(instant) :
					 (struct value){ .kind = VALUE_ABSENT };
}

static struct value take_value(struct text item, enum take take)
{
	uint64_t number;

	if (event_text_is_absent(item))
		return (struct value){ .kind = VALUE_ABSENT };
	switch (take) {
	case TAKE_UINT:
		if (event_number(item, &number))
			return value_uint(number);
		break;
	case TAKE_TIME:
		return take_time(item);
	case TAKE_TEXT:
	default:
		return value_text(item);
	}
	return (struct value){ .kind = VALUE_ABSENT };
}

static bool rule_fits(const struct event_rule *rule, struct text provider, struct text guid,
		      uint32_t id)
{
	return id >= rule->first_id && id <= rule->last_id &&
	       (text_equal_folded(provider, text_of(rule->provider)) ||
		(rule->guid && guid.size && text_equal_folded(guid, text_of(rule->guid))));
}

bool event_is_known(struct text provider, struct text guid, uint32_t id)
{
	for (size_t i = 0; event_families[i]; i++)
		for (const struct event_rule *rule = event_families[i]; rule->provider; rule++)
			if (rule_fits(rule, provider, guid, id))
				return true;
	return false;
}

static enum status emit_rule(struct parse_context *ctx, struct arena *arena,
			     const struct event *event, const struct event_rule *rule,
			     struct failure *why)
{
	struct value values[TRACE_MAX_FIELDS] = { 0 };

	values[EVENT_ID] = value_uint(event->id);
	values[EVENT_RECORD] = value_uint(event->record);
	values[EVENT_TIME] = value_instant(event->written);
	values[EVENT_PROVIDER] = take_value(event->provider, TAKE_TEXT);
	values[EVENT_CHANNEL] = take_value(event->channel, TAKE_TEXT);
	values[EVENT_COMPUTER] = take_value(event->computer, TAKE_TEXT);
	values[EVENT_USER] = take_value(event->user, TAKE_TEXT);
	if (event->unsound)
		values[EVENT_UNSOUND] = value_uint(1);
	for (const struct field_source *source = rule->sources; source && source->field; source++)
		if (values[source->field].kind == VALUE_ABSENT)
			values[source->field] = take_value(find_item(event, source), source->take);
	if (rule->refine)
		rule->refine(arena, event, values);

	const struct trace trace = {
		.type = rule->type,
		.origin = event->origin,
		.recovery = event->recovery,
		.values = values,
	};
	return emit(ctx, &trace, why);
}

enum status event_emit(struct parse_context *ctx, struct arena *arena, const struct event *event,
		       struct failure *why)
{
	enum status status = STATUS_OK;

	for (size_t i = 0; event_families[i]; i++)
		for (const struct event_rule *rule = event_families[i]; rule->provider; rule++) {
			if (!rule_fits(rule, event->provider, event->guid, event->id))
				continue;
			status = emit_rule(ctx, arena, event, rule, why);
			if (status < 0)
				return status;
		}
	if (wants_log(ctx, event->channel, event->provider))
		status = emit_rule(ctx, arena, event, &vendor_rule, why);
	return status;
}
